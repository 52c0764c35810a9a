"""What a profile is taken of: `train.py BINARY` runs the demo and asks it what callers ask. Lists that are kept are
answered from memory, in all codings and formats; lists that are not are walked for each request, in every style
that the five emulated upstreams have. Every answer must be a good one. Takes a minute with an instrumented binary."""

import contextlib
import http.client
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

BINARY = sys.argv[1]
CONNECTIONS = 8

# Weighed by how often they are listed. None of them is what `benches/load` measures.
QUESTIONS = [
    "limit=20",
    "limit=100",
    "limit=10&fields=id,name,status",
    "limit=30&search=team",
    "source=tallyfy,publisher&limit=25&sort=-created_at",
]
# What is asked of each, once: views, sorts and filters are made, and answered again.
SEARCHES = [
    f"limit=40&{filters}&sort={sort}"
    for filters in ("search=a", "search=sales", "status=active", "created_after=2023-01-01", "deleted=include")
    for sort in ("name", "-name", "updated_at", "-created_at,name", "id")
]
HELD = {"CACHE__TTL": "1h"}
NOTHING_KEPT = {"CACHE__TTL": "0s", "CACHE__STALE_WHILE_REVALIDATE": "0s", "CACHE__MIN_REFRESH": "0s"}


@contextlib.contextmanager
def demo(groups, settings, *options):
    """A demo with so many groups a source; gives where it listens, and the key of a caller, if it tells them apart."""
    settings = settings | {
        "SERVER__LISTEN": "127.0.0.1:0",
        "SERVER__ADMIN": "127.0.0.1:0",
        "RATE_LIMIT__PER_CLIENT": "1000000/s",
        "RATE_LIMIT__BURST": "1000000",
    }
    for name in ("COLLECTIONS", "VINYLDNS", "PUBLISHER", "ONLIVESITE", "TALLYFY"):
        settings[f"UPSTREAMS__{name}__LIMITS__RATE"] = "100000/s"
        settings[f"UPSTREAMS__{name}__LIMITS__TIMEOUT"] = "1m"
    variables = {f"GROUPGATE__{key}": value for key, value in settings.items()}
    process = subprocess.Popen(
        [BINARY, "demo", "--groups", str(groups), "--latency", "0ms", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | variables,
    )
    watchdog = threading.Timer(300, process.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        text = ""
        for line in process.stdout:
            text += line
            if "ask them without the gateway" in line:
                break
        found = re.search(r"http://([^/']+)/groups", text)
        if not found:
            sys.exit(f"the demo did not say where it listens: {text}")
        key = re.search(r"-H '([^:']+): ([^']+)'", text) if options else None
        yield found[1], {key[1]: key[2]} if key else {}
    finally:
        # Asked to stop, it ends by itself, and writes its profile.
        process.terminate()
        if process.wait(60) != 0:
            sys.exit("the demo did not end well")
        watchdog.cancel()


def ask(connection, query, method="GET", good=200, **headers):
    """Asks once. Returned is the tag of the answer."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, f"/groups?{query}", headers=headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != good:
        sys.exit(f"{query} was answered with {answer.status}")
    return answer.getheader("etag")


def again_and_again(address, caller, times):
    """What was asked before, as clients, browsers and proxies ask for it."""
    connection = http.client.HTTPConnection(address)
    for number in range(times):
        query = QUESTIONS[number % len(QUESTIONS)]
        browser = {"user_agent": "Mozilla/5.0", "accept": "application/json, */*;q=0.8"} if number % 3 == 0 else {}
        tag = ask(connection, query, **caller, **browser)
        ask(connection, query, good=304, if_none_match=tag, **caller, **browser)
        ask(connection, query, accept_encoding="gzip, deflate, br, zstd", **caller, **browser)
        ask(connection, query, accept_encoding="gzip", **caller)
        ask(connection, query, accept_encoding="zstd", **caller)
        ask(connection, query, method="HEAD", **caller)


def once_each(address):
    """What nobody asked before, in all formats, and a list to its end, page by page."""
    connection = http.client.HTTPConnection(address)
    for query in SEARCHES:
        ask(connection, query)
    for accept in ("application/xml", "text/csv", "application/x-ndjson"):
        for query in QUESTIONS:
            ask(connection, query, accept=accept)
            ask(connection, query, accept=accept, accept_encoding="gzip")
    path = "/groups?limit=200"
    while path:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        following = re.search(r'<([^>]*)>; rel="next"', answer.getheader("link") or "")
        path = following and f"/groups{following[1]}"


def at_once(work, *arguments):
    """The same over several connections, as a gateway is used."""
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for asking in [threads.submit(work, *arguments) for _ in range(CONNECTIONS)]:
            asking.result()


def step(what):
    print(f"{time.strftime('%X')} {what}", file=sys.stderr)


step("kept lists")
with demo(3000, HELD) as (address, nobody):
    once_each(address)
    at_once(again_and_again, address, nobody, 300)
step("callers with keys")
with demo(200, HELD, "--callers") as (address, caller):
    at_once(again_and_again, address, caller, 60)
step("walks, few groups each")
with demo(40, NOTHING_KEPT) as (address, _):
    connection = http.client.HTTPConnection(address)
    for number in range(300):
        ask(connection, f"limit={20 + number % 7}")
step("walks, many groups each")
with demo(5000, NOTHING_KEPT) as (address, _):
    connection = http.client.HTTPConnection(address)
    for _ in range(8):
        ask(connection, "limit=50&sort=-created_at")
