"""Has schemathesis look for a lie in the description of the data listener, with all checks on.

Usage: schemathesis_run.py GROUPGATE_BINARY
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import demo_gateway

HERE = pathlib.Path(__file__).resolve().parent
# The same requests every time: a failure can be looked into. Change it to look elsewhere.
SEED = os.environ.get("SEED", "1")
EXAMPLES = os.environ.get("EXAMPLES", "100")


def main():
    with demo_gateway.running(sys.argv[1], 60) as (_, gateway):
        environment = os.environ | {
            "GROUPGATE_URL": gateway,
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "PYTHONPATH": str(HERE),
        }
        command = [
            str(pathlib.Path(sys.executable).parent / "schemathesis"),
            *("run", f"{gateway}/openapi.json"),
            *("--checks", "all", "--mode", "all"),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", EXAMPLES, "--seed", SEED),
            *("--request-timeout", "30", "--continue-on-failure"),
        ]
        # It writes its database where it runs.
        with tempfile.TemporaryDirectory() as folder:
            ended = subprocess.run(command, cwd=folder, env=environment, timeout=240)
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
