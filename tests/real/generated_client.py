"""Has openapi-python-client write a client from the description, and asks the gateway with it.

Usage: generated_client.py GROUPGATE_BINARY
"""

import importlib
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import demo_gateway

GROUPS = 60
PACKAGE = "groupgate_client"


def generated(gateway, folder):
    """Writes the client; anything in the description that it cannot read is an error."""
    generator = pathlib.Path(sys.executable).parent / "openapi-python-client"
    config = folder / "config.yml"
    # Formatting would need ruff, and changes nothing.
    names = f"project_name_override: {PACKAGE}\npackage_name_override: {PACKAGE}\n"
    config.write_text(names + "post_hooks: []\n")
    subprocess.run(
        [
            str(generator),
            *("generate", "--url", f"{gateway}/openapi.json"),
            *("--meta", "none", "--output-path", str(folder / PACKAGE)),
            *("--config", str(config), "--fail-on-warning"),
        ],
        check=True,
        timeout=120,
    )
    sys.path.insert(0, str(folder))


def part(name):
    return importlib.import_module(f"{PACKAGE}.{name}")


def plain(gateway, path):
    with urllib.request.urlopen(gateway + path, timeout=30) as answer:
        return json.load(answer)


def check(gateway):
    """Yields what was checked, and whether it holds."""
    client = part("client").Client(base_url=gateway, raise_on_unexpected_status=True)
    api = "api.default"
    list_groups = part(f"{api}.list_groups").sync
    models = part("models")
    unset = part("types").UNSET

    def every(**query):
        """Every group, page after page."""
        page = list_groups(client=client, **query)
        while True:
            assert isinstance(page, models.Groups), page
            yield from page.groups
            if page.next_cursor is None:
                return
            page = list_groups(client=client, cursor=page.next_cursor)

    include = models.ListGroupsDeleted.INCLUDE
    groups = list(every(limit=17, deleted=include))
    known = plain(gateway, "/groups?limit=1000&deleted=include")["groups"]
    read = [models.Group.from_dict(group) for group in known]
    yield "it pages through everything", groups == read
    yield "everything is five lists", len(groups) == 5 * GROUPS

    chosen = list(every(limit=1000, deleted=include, fields="name,member_count"))
    names = [(group.id, group.name, group.member_count) for group in groups]
    fewer = [(group.id, group.name, group.member_count) for group in chosen]
    yield "it takes `fields`", fewer == names
    yield "what `fields` leaves out is unset", all(group.members is unset for group in chosen)

    get_group = part(f"{api}.get_group").sync
    ids = [known[place]["id"] for place in range(0, len(known), 29)]
    ones = [get_group(id, client=client) for id in ids]
    expected = [groups[place].to_dict() for place in range(0, len(known), 29)]
    yield "it reads one group", [one.to_dict() for one in ones] == expected
    missing = get_group("tallyfy:nobody", client=client)
    yield "it reads a problem", isinstance(missing, models.Problem) and missing.status == 404

    sources = part(f"{api}.list_sources").sync(client=client).sources
    expected = plain(gateway, "/sources")["sources"]
    yield "it reads the sources", [source.name for source in sources] == [
        source["name"] for source in expected
    ]
    yield "it reads their states", all(source.state == models.State.FRESH for source in sources)
    page = list_groups(client=client, limit=1)
    yield "it reads the states in a page", {source.state for source in page.sources} == {
        models.State.FRESH
    }
    refused = list_groups(client=client, source="nobody")
    yield "it reads why a request is refused", isinstance(refused, models.Problem) and (
        refused.type_ == models.ProblemType.URNGROUPGATEPROBLEMINVALID_PARAMETER
    )


def main():
    with tempfile.TemporaryDirectory() as folder:
        with demo_gateway.running(sys.argv[1], GROUPS) as (_, gateway):
            generated(gateway, pathlib.Path(folder))
            demo_gateway.report(check(gateway))


if __name__ == "__main__":
    main()
