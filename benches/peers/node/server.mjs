// What a team would write in an afternoon in groupgate's place: all upstreams side by side, one list, sorted
// by name. With `--cache`, whole answers are kept in an LRU for an hour.
//
// usage: node server.mjs [--cache] KIND,COUNT,URL...
//
// The number of a page is appended to URL. KIND says whether there is one (`whole`), whether each names the next
// (`chained`), or says how many there are (`announced`). It prints where it listens.

import Fastify from "fastify";
import { XMLParser } from "fast-xml-parser";
import { LRUCache } from "lru-cache";
import { Agent } from "undici";

const rest = process.argv.slice(2);
const isCached = rest[0] === "--cache";
const upstreams = rest.slice(isCached ? 1 : 0).map((recipe, number) => {
  const [kind, , url] = recipe.split(",");
  return { name: `u${number}`, kind, url };
});

const agent = new Agent({ keepAliveTimeout: 60_000, connections: 16 });
const xml = new XMLParser({ isArray: (name) => name === "group" || name === "person" });
const answers = new LRUCache({ max: 1000, ttl: 3_600_000 });
const collator = new Intl.Collator("en", { sensitivity: "base" });

async function list({ name, kind, url }) {
  let page = await read(name, url + "0");
  if (kind === "whole") return page.groups;
  const pages = [page.groups];
  if (kind === "chained") {
    while (page.next) {
      page = await read(name, url + page.next);
      pages.push(page.groups);
    }
  } else {
    const numbers = Array.from({ length: page.pages - 1 }, (_, before) => before + 1);
    const others = await Promise.all(numbers.map((number) => read(name, url + number)));
    pages.push(...others.map((page) => page.groups));
  }
  return pages.flat();
}

async function read(name, url) {
  const { origin, pathname, search } = new URL(url);
  const { statusCode, headers, body } = await agent.request({ origin, path: pathname + search, method: "GET" });
  if (statusCode !== 200) throw new Error(`${name}: ${statusCode}`);
  const isXml = headers["content-type"].includes("xml");
  const page = isXml ? xml.parse(await body.text()).groups : await body.json();
  const records = isXml ? (page.group ?? []) : (page.items ?? page);
  return { next: page.next, pages: Number(page.pages), groups: records.map((record) => normalized(name, record, isXml)) };
}

function normalized(source, record, isXml) {
  const people = isXml ? (record.people?.person ?? []) : record.people;
  return {
    id: `${source}:${record.id}`,
    source,
    source_id: String(record.id),
    name: String(record.name),
    description: record.about ?? null,
    email: record.mail ?? null,
    status: record.state?.toLowerCase() ?? null,
    members: people.map(({ id, mail }) => ({ id: String(id), email: mail ?? null })),
    member_count: people.length,
    created_at: new Date(record.made).toISOString(),
    updated_at: new Date(record.changed).toISOString(),
  };
}

async function page(limit, fields) {
  const lists = await Promise.all(upstreams.map(list));
  const groups = lists.flat();
  groups.sort((left, right) => collator.compare(left.name, right.name) || (left.id < right.id ? -1 : 1));
  let shown = groups.slice(0, limit);
  if (fields) shown = shown.map((group) => Object.fromEntries(fields.map((field) => [field, group[field]])));
  return JSON.stringify({ groups: shown, total: groups.length, complete: true });
}

const server = Fastify();
server.get("/groups", async (request, reply) => {
  let body = isCached ? answers.get(request.url) : undefined;
  if (body === undefined) {
    const { limit, fields } = request.query;
    body = await page(Number(limit ?? 50), fields?.split(","));
    if (isCached) answers.set(request.url, body);
  }
  return reply.type("application/json").send(body);
});
await server.listen({ port: 0, host: "127.0.0.1" });
console.log(`127.0.0.1:${server.server.address().port}`);
