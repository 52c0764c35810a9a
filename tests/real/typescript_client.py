"""Has openapi-typescript write types from the description, `tsc --strict` check a client that uses
them, and that client ask the gateway.

Usage: typescript_client.py GROUPGATE_BINARY FOLDER, where the packages are installed.
"""

import pathlib
import shutil
import subprocess
import sys

import demo_gateway

HERE = pathlib.Path(__file__).resolve().parent / "typescript"
GROUPS = 60


def main():
    binary, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    for name in ("client.ts", "tsconfig.json"):
        shutil.copy(HERE / name, folder / name)
    tools = folder / "node_modules" / ".bin"
    with demo_gateway.running(binary, GROUPS) as (_, gateway):
        for command in (
            [tools / "openapi-typescript", f"{gateway}/openapi.json", "--output", "generated.d.ts"],
            [tools / "tsc", "--project", "tsconfig.json"],
            ["node", "out/client.js", gateway, str(5 * GROUPS)],
        ):
            subprocess.run(command, cwd=folder, check=True, timeout=120)


if __name__ == "__main__":
    main()
