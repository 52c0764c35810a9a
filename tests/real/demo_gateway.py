"""The gateway over its emulated upstreams, for checks by other implementations."""

import contextlib
import os
import re
import subprocess
import sys
import threading


@contextlib.contextmanager
def running(binary, groups):
    """Runs the demo on free ports, with `groups` groups a source; gives the URLs of the upstreams by
    name, and the gateway's. Its callers may ask as often as they like."""
    environment = {"GROUPGATE__SERVER__ADMIN": "127.0.0.1:0"} | os.environ | {
        "GROUPGATE__SERVER__LISTEN": "127.0.0.1:0",
        "GROUPGATE__RATE_LIMIT__PER_CLIENT": "100000/s",
        "GROUPGATE__RATE_LIMIT__BURST": "100000",
        "RUST_LOG": "warn",
    }
    demo = subprocess.Popen(
        [binary, "demo", "--groups", str(groups), "--latency", "0ms"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    # A demo that never says where it is must not hang a check.
    watchdog = threading.Timer(60, demo.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        upstreams = {}
        gateway = None
        for line in demo.stdout:
            if match := re.match(r"\s+(\w+)\s+(http://\S+)", line):
                upstreams[match[1]] = match[2]
            if match := re.search(r"(http://[^/']+)/groups\?", line):
                gateway = match[1]
                break
        if not (upstreams and gateway):
            sys.exit("the demo did not say where it listens")
        watchdog.cancel()
        yield upstreams, gateway
    finally:
        watchdog.cancel()
        demo.terminate()
        demo.wait(30)


def report(checks):
    """Prints what was checked and whether it holds, and ends the process."""
    passed = failed = 0
    for what, holds in checks:
        print(f"{'ok' if holds else 'FAILED'}: {what}")
        passed += bool(holds)
        failed += not holds
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
