"""Has prometheus_client and promtool read `/metrics`, and compares it with the manual.

Usage: metrics.py GROUPGATE_BINARY
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

import demo_gateway

MANUAL = pathlib.Path("docs/operating.md")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.headers.get_content_type(), refused.read().decode()


def promtool(folder):
    """Where promtool is: here, or in a package that needs no installation."""
    if found := shutil.which("promtool"):
        return found
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return None
    subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, capture_output=True, timeout=300)
    for package in pathlib.Path(folder).glob("prometheus_*.deb"):
        subprocess.run(["dpkg", "-x", str(package), folder], check=True)
        return f"{folder}/usr/bin/promtool"
    return None


def checks(binary):
    port = free_port()
    os.environ["GROUPGATE__SERVER__ADMIN"] = f"127.0.0.1:{port}"
    with demo_gateway.running(binary, 50) as (upstreams, gateway):
        for path in ["/groups", "/groups", "/groups?search=x", "/groups?sort=x", "/nowhere", "/sources"]:
            fetch(gateway + path)
        kind, text = fetch(f"http://127.0.0.1:{port}/metrics")
    yield "it is text", kind == "text/plain"
    families = {family.name: family for family in text_string_to_metric_families(text)}
    yield "prometheus_client reads it", len(families) > 20
    listed = dict(re.findall(r"^\| `(\w+)` \| `[\w.]+` \| (\w+) \|", MANUAL.read_text(), re.M))
    for name, family in families.items():
        full = name + "_total" if family.type == "counter" else name
        if full != "target_info":
            yield f"the manual has {full} as a {family.type}", listed.get(full) == family.type
            yield f"{full} says what it is", len(family.documentation) > 20
    sources = {
        sample.labels["source"]: sample.value for sample in families["groupgate_snapshot_groups"].samples
    }
    yield "each source has its groups", sources == dict.fromkeys(upstreams, 50.0)
    requests = sum(
        sample.value
        for sample in families["http_server_request_duration_seconds"].samples
        if sample.name.endswith("_count") and sample.labels["http_route"] == "/groups"
    )
    yield "each request is counted once", requests == 4
    with tempfile.TemporaryDirectory() as folder:
        tool = promtool(folder)
        if tool is None:
            print("not checked with promtool: it is not there, and no package brings it")
            return
        checked = subprocess.run(
            [tool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60
        )
        print(checked.stdout + checked.stderr, end="")
        yield "promtool has nothing to say against it", checked.returncode == 0


demo_gateway.report(checks(sys.argv[1]))
