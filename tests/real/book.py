"""Runs the commands of the book: `book.py BINARY`. The `sh` blocks of a chapter in SESSIONS are one session of bash, in
an empty folder; a `json` or `text` block after one of them is what it must print, where `…` stands for anything. Of
commands elsewhere, which need what is not here, it is asked that groupgate has such a command with such options."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from demo_gateway import report

BINARY = Path(sys.argv[1]).resolve()
SESSIONS = ("first-hour.md", "your-backend.md", "command-line.md")
# Ports that chapters use, each of which is replaced by a free one.
PORTS = ("8000", "8080", "9090")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
PATIENCE = 300


def steps(text):
    """Each `sh` block, and the block that says what it prints, if there is one."""
    blocks = FENCE.findall(text)
    followed = zip(blocks, blocks[1:] + [("", "")])
    for (language, command), (after, printed) in followed:
        if language == "sh":
            yield command, (after, printed) if after in ("json", "text") else None


def session(commands, folder, ports):
    """What each command prints, run one after the other; none of them may fail."""
    script = ["exec 2>&1", "set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for command in commands:
        script += [command, "echo; echo @@done@@"]
    environment = {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "HOME": str(folder),
        "GROUPGATE__SERVER__LISTEN": f"127.0.0.1:{ports['8080']}",
        "GROUPGATE__SERVER__ADMIN": f"127.0.0.1:{ports['9090']}",
    }
    text = "\n".join(script)
    for port, free in ports.items():
        text = re.sub(rf"\b{port}\b", free, text)
    outcome = subprocess.run(
        ["bash", "--norc", "-c", text],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    printed = outcome.stdout
    for port, free in ports.items():
        printed = re.sub(rf"\b{free}\b", port, printed)
    return printed.split("\n@@done@@\n")


def alike(expected, actual):
    """Whether a JSON value is what was written, where `…` in a text stands for any text, and alone for any value."""
    if expected == "…":
        return True
    if isinstance(expected, str) and isinstance(actual, str):
        return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), actual, re.S) is not None
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(alike(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(alike, expected, actual))
    return expected == actual


def matches(expected, printed):
    """Whether the text of a block fits what was printed; a line `…` stands for any number of lines."""
    language, text = expected
    if language == "json":
        try:
            # bash may say before it that a job ended.
            value, _ = json.JSONDecoder().raw_decode(printed, max(printed.find("{"), 0))
        except ValueError:
            return False
        return alike(json.loads(text), value)
    lines = ["(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in text.splitlines()]
    return re.fullmatch("".join(lines), printed.strip() + "\n") is not None


def free_ports():
    sockets = [socket.socket() for _ in PORTS]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = dict(zip(PORTS, (str(each.getsockname()[1]) for each in sockets)))
    for each in sockets:
        each.close()
    return ports


def chapter(path):
    wanted = list(steps(path.read_text()))
    if not wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        binaries = Path(folder) / "bin"
        binaries.mkdir()
        (binaries / "groupgate").symlink_to(BINARY)
        printed = session([command for command, _ in wanted], folder, free_ports())
    # The last part is what came after the last command, and nothing does.
    for number, (command, expected) in enumerate(wanted):
        name = f"{path.name}: {command.strip().splitlines()[-1][:70]}"
        if number >= len(printed) - 1:
            print(f"{path}: the session ended here:\n{command}\n{printed[-1]}", file=sys.stderr)
            yield name, False
            return
        holds = expected is None or matches(expected, printed[number])
        if not holds:
            print(f"{path}: this was to be printed:\n{expected[1]}\nand this was:\n{printed[number]}", file=sys.stderr)
        yield name, holds


def mentioned(path):
    """Each command line of groupgate in a page that is no session, and whether there are such a command and options."""
    blocks = FENCE.findall(path.read_text())
    lines = [line for language, text in blocks if language in ("sh", "console") for line in text.splitlines()]
    for line in (line.removeprefix("$ ") for line in lines):
        if not line.startswith("groupgate "):
            continue
        words = shlex.split(line, comments=True)
        asked = subprocess.run([BINARY, words[1], "--help"], capture_output=True, text=True, timeout=60)
        options = [word.split("=")[0] for word in words if word.startswith("--")]
        unknown = [option for option in options if not re.search(rf"{option}\b", asked.stdout)]
        yield f"{path.name}: {line[:70]} {unknown}", asked.returncode == 0 and not unknown


missing = [tool for tool in ("bash", "curl") if not shutil.which(tool)]
if missing:
    print(f"the book's commands are not run: there is no {missing[0]}")
    sys.exit(0)
pages = [*sorted(Path("docs").glob("*.md")), Path("README.md")]
report(check for page in pages for check in (chapter if page.name in SESSIONS else mentioned)(page))
