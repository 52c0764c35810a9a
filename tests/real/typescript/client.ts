// Asks a gateway with the types that openapi-typescript makes of its description, which `tsc --strict`
// has checked. Usage: node client.js GATEWAY GROUPS_OF_ALL_SOURCES

import assert from "node:assert/strict";

import createClient from "openapi-fetch";

import type { components, paths } from "./generated.d.ts";

type Group = components["schemas"]["Group"];
type Query = NonNullable<paths["/groups"]["get"]["parameters"]["query"]>;

const [gateway, expected] = process.argv.slice(2);
assert(gateway !== undefined && expected !== undefined, "a gateway, and how many groups it has");
// Of the formats of an answer, those that the client asks for.
type Format = "application/json" | "application/problem+json";
const client = createClient<paths, Format>({ baseUrl: gateway });

async function* every(query: Query): AsyncGenerator<Group> {
  for (;;) {
    const { data, error } = await client.GET("/groups", { params: { query } });
    assert(data !== undefined, error?.detail);
    yield* data.groups;
    if (data.next_cursor === null) return;
    query = { cursor: data.next_cursor };
  }
}

async function all(query: Query): Promise<Group[]> {
  const groups = [];
  for await (const group of every(query)) groups.push(group);
  return groups;
}

let passed = 0;
const ok = (what: string): void => {
  passed += 1;
  console.log(`ok: ${what}`);
};

const groups = await all({ limit: 17, deleted: "include" });
assert.equal(groups.length, Number(expected));
assert.equal(new Set(groups.map((group) => group.id)).size, groups.length);
ok("it pages through everything");

const chosen = await all({ limit: 1000, deleted: "include", fields: "name" });
// `name` may be left out by `fields`, and the types know it.
const names = (groups: Group[]): (string | undefined)[] => groups.map((group) => group.name);
assert.deepEqual(names(chosen), names(groups));
assert(chosen.every((group) => group.members === undefined));
ok("it takes `fields`");

const first = groups[0];
assert(first !== undefined);
const one = await client.GET("/groups/{id}", { params: { path: { id: first.id } } });
assert(one.data !== undefined, one.error?.detail);
// Of one group every key is there.
const name: string = one.data.name;
assert.equal(name, first.name);
assert.deepEqual(one.data, first);
ok("it reads one group");

const missing = await client.GET("/groups/{id}", { params: { path: { id: "tallyfy:nobody" } } });
assert.equal(missing.error?.type, "urn:groupgate:problem:not-found");
ok("it reads a problem");

const sources = await client.GET("/sources");
assert(sources.data !== undefined, sources.error?.detail);
const state: components["schemas"]["State"] = "fresh";
assert.equal(sources.data.sources.length, 5);
assert(sources.data.sources.every((source) => source.state === state));
ok("it reads the sources and their states");

console.log(`${passed} passed, 0 failed`);
