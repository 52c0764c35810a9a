"""Alerts and the dashboard: promtool reads them, every metric and label in them is one that groupgate has, and
Prometheus itself scrapes groupgate with the configuration of compose.yaml.

`deploy_prometheus.py BINARY`; promtool and prometheus are looked for in PATH."""

import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

from demo_gateway import report

BINARY = Path(sys.argv[1]).resolve()
DEPLOY = Path("deploy").resolve()
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
TOKEN = "only-for-trying-it-out"
# What Prometheus says of its targets by itself.
OF_PROMETHEUS = {"up": {"job", "instance"}}
OWN_LABELS = {"job", "instance", "le"}


def promtool(*arguments):
    """Whether promtool has nothing to complain of; what it says is shown if it has."""
    outcome = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    if outcome.returncode != 0:
        print(outcome.stdout, outcome.stderr, file=sys.stderr)
    return outcome.returncode == 0


def documented():
    """The series of each metric in docs/operating.md, with their labels."""
    series = {}
    row = re.compile(r"^\| `(\w+)` \| `[\w.]+` \| (counter|gauge|histogram) \| ([^|]*)\|", re.M)
    for name, kind, labels in row.findall(Path("docs/operating.md").read_text()):
        endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        for ending in endings:
            series[name + ending] = set(re.findall(r"`(\w+)`", labels))
    return series


def dashboard():
    """The queries of the dashboard, with values for its variables."""
    board = json.loads((DEPLOY / "grafana" / "groupgate.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    queries += [annotation["expr"] for annotation in board["annotations"]["list"]]
    for variable in board["templating"]["list"]:
        if asked := re.match(r"label_values\((.*), \w+\)$", variable["query"]):
            queries.append(asked[1])
    for name, value in (("job", "groupgate"), ("source", ".*"), ("__rate_interval", "5m")):
        queries = [query.replace(f"${name}", value) for query in queries]
    return queries


def alerts():
    """The rules' queries by the name of their alerts."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def unknown(query, series):
    """The metrics and labels of a query that groupgate does not have."""
    for name, selector in re.findall(r"\b(groupgate_\w+|http_\w+|process_\w+|up)\b(?!=|!|\")(?:\{([^}]*)\})?", query):
        if name in OWN_LABELS or re.fullmatch(r"http_(response|request)_\w+", name) and not selector:
            # A label, as in `by (http_response_status_code)`.
            continue
        labels = OF_PROMETHEUS.get(name) or series.get(name)
        if labels is None:
            yield name
            continue
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
            if label not in labels | OWN_LABELS:
                yield f"{label} of {name}"


def files(queries):
    yield "promtool takes the alerts", promtool("check", "rules", ALERTS)
    yield "every alert fires when it should, and only then", promtool(
        "test", "rules", DEPLOY / "prometheus" / "alerts.test.yaml"
    )
    tests = yaml.safe_load((DEPLOY / "prometheus" / "alerts.test.yaml").read_text())["tests"]
    tested = {
        case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]
    }
    yield "every alert has a test", tested == alerts().keys()
    with tempfile.TemporaryDirectory() as folder:
        rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
        file = Path(folder) / "panels.yaml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
        yield f"promtool takes the dashboard's {len(queries)} queries", promtool("check", "rules", file)


def manual():
    """What docs/deploying.md says of alerts and of Prometheus."""
    text = Path("docs/deploying.md").read_text()
    rows = re.findall(r"^\| `(Groupgate\w+)` \|.*\| (\w+) \|$", text, re.M)
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    rules = [(rule["alert"], rule["labels"]["severity"]) for group in groups for rule in group["rules"]]
    yield "docs/deploying.md lists every alert", rows == rules
    [block] = re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)
    yield "it has a configuration for pods", yaml.safe_load(block)["scrape_configs"][0]["kubernetes_sd_configs"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        # Debian's Prometheus is built without Kubernetes: of that line, only that it is YAML is checked.
        block = re.sub(r"kubernetes_sd_configs: .*", "static_configs: [{ targets: [localhost] }]", block)
        file.write(block.replace("/etc/prometheus/groupgate-token", str(ALERTS)))
        file.flush()
        yield "promtool takes the configuration in docs/deploying.md", promtool("check", "config", file.name)


def names(queries):
    series = documented()
    if not series and not Path("src/metrics").exists():
        print("not checked: the names of metrics, for docs/operating.md lists none")
        return
    missing = sorted({name for query in queries for name in unknown(query, series)})
    yield f"alerts and dashboard ask for documented metrics and labels alone {missing}", series and not missing
    board = (DEPLOY / "grafana" / "groupgate.json").read_text()
    unseen = sorted(name for name in series if not name.endswith(("_sum", "_count", "_bucket")) and name not in board)
    yield f"the dashboard shows every metric {unseen}", len(unseen) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def process(*command, **options):
    running = subprocess.Popen([str(word) for word in command], **options)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(60)


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.read().decode()


def until(what, ask, patience=90):
    """The first answer that is something, or nothing after a while."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with contextlib.suppress(OSError, LookupError, ValueError):
            if answer := ask():
                return answer
        time.sleep(0.2)
    print(f"{what}: not within {patience} s", file=sys.stderr)
    return None


@contextlib.contextmanager
def gateway():
    """groupgate with the configuration of compose.yaml, over its backend; gives its admin listener's port."""
    folder = DEPLOY / "compose" / "backend"

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=folder)
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    admin = free_port()
    environment = os.environ | {
        "ADMIN_TOKEN": TOKEN,
        "GROUPGATE__SERVER__LISTEN": "127.0.0.1:0",
        "GROUPGATE__SERVER__ADMIN": f"127.0.0.1:{admin}",
        "GROUPGATE__UPSTREAMS__DIRECTORY__BASE_URL": f"http://127.0.0.1:{backend.server_port}",
        "RUST_LOG": "warn",
    }
    configuration = DEPLOY / "compose" / "config" / "gateway.toml"
    with process(BINARY, "serve", "--config", configuration, env=environment):
        try:
            yield admin
        finally:
            backend.shutdown()


def scraped(queries):
    if not shutil.which("prometheus"):
        print("not checked: that Prometheus scrapes groupgate, for there is none")
        return
    with gateway() as admin, tempfile.TemporaryDirectory() as folder:
        ready = until("groupgate is ready", lambda: get(f"http://127.0.0.1:{admin}/readyz"))
        yield "groupgate runs with the configuration of compose.yaml", ready is not None
        try:
            get(f"http://127.0.0.1:{admin}/metrics", Authorization=f"Bearer {TOKEN}")
        except urllib.error.HTTPError as error:
            if error.code == 404 and not Path("src/metrics").exists():
                print("not checked: that Prometheus scrapes groupgate, which has no /metrics yet")
                return
            raise

        settings = yaml.safe_load((DEPLOY / "compose" / "prometheus.yaml").read_text())
        settings["rule_files"] = [str(ALERTS)]
        settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        settings["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{admin}"]}]
        file = Path(folder) / "prometheus.yaml"
        file.write_text(yaml.safe_dump(settings))
        yield "promtool takes the configuration of compose.yaml", promtool("check", "config", file)

        port = free_port()
        base = f"http://127.0.0.1:{port}/api/v1"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with process(
            "prometheus",
            f"--config.file={file}",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            **quiet,
        ):

            def query(text):
                answer = get(f"{base}/query?{urllib.parse.urlencode({'query': text})}")
                return json.loads(answer)["data"]["result"]

            def value(text):
                return query(text)[0]["value"][1]

            up = until("Prometheus scrapes", lambda: value('up{job="groupgate"}') == "1")
            yield "Prometheus scrapes groupgate", up is not None
            groups = until(
                "the list is counted", lambda: value('groupgate_snapshot_groups{source="directory"}') == "3"
            )
            yield "Prometheus has the number of groups", groups is not None
            health = until(
                "rules are evaluated",
                lambda: {
                    rule["health"]
                    for group in json.loads(get(f"{base}/rules"))["data"]["groups"]
                    for rule in group["rules"]
                }
                == {"ok"},
            )
            yield "Prometheus evaluates every alert", health is not None
            failed = []
            for text in queries:
                try:
                    query(text)
                except urllib.error.HTTPError as error:
                    failed.append((text, error.read()))
            yield f"Prometheus answers every query of the dashboard {failed}", not failed


if not shutil.which("promtool"):
    print("not checked: alerts and dashboard, for there is no promtool and apt has none")
    sys.exit(0)
panels = dashboard()
every = panels + list(alerts().values())
report(check for part in (files(panels), manual(), names(every), scraped(panels)) for check in part)
