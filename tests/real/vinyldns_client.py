"""Walks the VinylDNS emulation with the vendor's own client, and compares what it brings with what
groupgate serves of the same upstream.

Usage: vinyldns_client.py GROUPGATE_BINARY
"""

import json
import sys
import urllib.request

import demo_gateway
from vinyldns.client import UnauthorizedError, VinylDNSClient

# The credentials that the emulation accepts; they open nothing else.
KEY = "DEMOVINYLACCESSKEY"
SECRET = "demo-vinyl-secret-key"
GROUPS = 437


def served(gateway):
    """All groups that groupgate serves of the upstream."""
    url = f"{gateway}/groups?source=vinyldns&limit=all&deleted=include"
    request = urllib.request.Request(url, headers={"accept": "application/x-ndjson"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        lines = [json.loads(line) for line in answer]
    summary = lines.pop()["summary"]
    assert summary["complete"], summary
    return {group["source_id"]: group for group in lines}


def check(upstream, gateway):
    """Yields what was checked, and whether it holds."""
    client = VinylDNSClient(upstream, KEY, SECRET)
    theirs = {group.id: group for group in client.list_all_my_groups().groups}
    ours = served(gateway)
    yield f"the vendor's client walks all {GROUPS} groups", len(theirs) == GROUPS
    yield "both bring the same ids", theirs.keys() == ours.keys()
    names = all(ours[id]["name"] == group.name for id, group in theirs.items())
    yield "both bring the same names", names
    emails = all(ours[id]["email"] == group.email for id, group in theirs.items())
    yield "both bring the same addresses", emails
    members = all(
        [member["id"] for member in ours[id]["members"]] == [user.id for user in group.members]
        for id, group in theirs.items()
    )
    yield "both bring the same members", members
    filtered = client.list_all_my_groups(group_name_filter="sales").groups
    expected = {id for id, group in theirs.items() if "sales" in group.name.lower()}
    yield "the name filter is the vendor's", {group.id for group in filtered} == expected
    try:
        VinylDNSClient(upstream, KEY, "wrong").list_all_my_groups()
        refused = False
    except UnauthorizedError:
        refused = True
    yield "a wrong secret is refused", refused


def main():
    with demo_gateway.running(sys.argv[1], GROUPS) as (upstreams, gateway):
        demo_gateway.report(check(upstreams["vinyldns"], gateway))


if __name__ == "__main__":
    main()
