"""Signs again what groupgate signed, with botocore, and compares.

Reads the cases that `cargo test --test sigv4_cases` wrote, one JSON object a line. Each holds a
request as it went onto the wire, the headers it had before it was signed, and those it has since.
"""

import datetime
import json
import sys
from unittest import mock

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def signed_by_botocore(case):
    signer_of = {"s3": auth.S3SigV4Auth}.get(case["service"], auth.SigV4Auth)
    credentials = Credentials(case["access_key"], case["secret_key"], case["session_token"])
    request = AWSRequest(
        method=case["method"],
        url=case["url"],
        headers=case["headers"],
        data=case["body"].encode(),
    )
    now = datetime.datetime.strptime(case["now"], "%Y%m%dT%H%M%SZ")
    with mock.patch.object(auth, "get_current_datetime", return_value=now):
        signer_of(credentials, case["service"], case["region"]).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def main(path):
    with open(path, encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    failed = 0
    for case in cases:
        expected = signed_by_botocore(case)
        actual = {**case["signed_headers"], "authorization": case["authorization"]}
        if actual != expected:
            failed += 1
            print(f"{case['service']} {case['method']} {case['url']}")
            print(f"  groupgate: {actual}")
            print(f"  botocore:  {expected}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
