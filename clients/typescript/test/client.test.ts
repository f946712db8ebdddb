import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { Client, StreamEnd, type Told } from "@roomlog/client";

import { Roomlog, Way } from "./roomlog.js";

let roomlog: Roomlog;
before(async () => {
  roomlog = await Roomlog.start();
});
after(() => roomlog.stop());

const wait = { Prefer: "wait=10" };

async function enter(room: string, owner: Client, other: Client, user: string): Promise<void> {
  const made = await owner.api.PUT("/v1/rooms/{room}", { params: { path: { room }, header: wait }, body: { kind: "public" } });
  assert.equal(made.response.status, 201);
  const joined = await other.api.PUT("/v1/rooms/{room}/members/{user}", {
    params: { path: { room, user }, header: wait },
    body: { membership: "join" },
  });
  assert.equal(joined.data && "membership" in joined.data && joined.data.membership, "join");
}

/** Says something without waiting for the verdict. */
async function say(client: Client, room: string, text: string): Promise<void> {
  const { response } = await client.api.POST("/v1/rooms/{room}/messages", {
    params: { path: { room } },
    body: { text, data: { length: text.length } },
  });
  assert.equal(response.status, 202);
}

function clients(server = roomlog.url): { alice: Client; bob: Client } {
  const of = (user: string): Client => new Client({ server, token: roomlog.token(user) });
  return { alice: of("alice"), bob: of("bob") };
}

test("what is sent is read at once, page by page", async () => {
  const { alice, bob } = clients();
  await enter("pages", alice, bob, "bob");
  const texts: string[] = [];
  for (let i = 0; i < 20; i++) {
    await say(alice, "pages", String(i));
    const newest = await alice.api.GET("/v1/rooms/{room}/messages", { params: { path: { room: "pages" }, query: { limit: 1 } } });
    assert.equal(newest.data?.items[0]?.text, String(i));
  }
  for (let after = 0, more = true; more; ) {
    const page = await alice.api.GET("/v1/rooms/{room}/messages", {
      params: { path: { room: "pages" }, query: { after, limit: 7 } },
    });
    assert.ok(page.data);
    for (const message of page.data.items) {
      texts.push(message.text);
      after = message.seq;
    }
    more = page.data.next !== null;
  }
  assert.deepEqual(texts, Array.from({ length: 20 }, (_, i) => String(i)));
});

test("the position is sent along and kept", async () => {
  const { alice } = clients();
  alice.position = "!";
  const refused = await alice.api.GET("/v1/rooms", {});
  assert.equal(refused.error?.code, "invalid_position");
  alice.position = "";
  const { response } = await alice.api.GET("/v1/rooms", {});
  assert.equal(alice.position, response.headers.get("Roomlog-Position"));
  assert.notEqual(alice.position, "");
});

test("problems are told", async () => {
  const { alice } = clients();
  const { data, error, response } = await alice.api.GET("/v1/rooms/{room}", { params: { path: { room: "nowhere" } } });
  assert.equal(data, undefined);
  assert.equal(response.status, 404);
  assert.equal(error?.code, "room_not_found");
  assert.equal(error?.retryable, false);
  await assert.rejects(alice.follow("nowhere").next(), { name: "ProblemError", status: 404, code: "room_not_found", retryable: false });
});

test("streams go on behind a cut", { timeout: 30_000 }, async () => {
  const way = await Way.to(roomlog.url);
  const { alice } = clients();
  const { bob } = clients(way.url);
  await enter("yard", alice, bob, "bob");
  await enter("den", alice, bob, "bob");
  const list = await bob.api.GET("/v1/rooms", {});

  /** What a stream says, of which each event comes once and in order. */
  async function* posted(stream: AsyncIterable<Told>, seqs: Record<string, number>): AsyncGenerator<string, void> {
    for await (const { type, cursor, item } of stream) {
      if (cursor === undefined) {
        continue; // someone has come, or gone
      }
      const seq = (seqs[item.room] ?? 0) + 1;
      assert.equal(item.seq, seq, `of ${item.room}`);
      seqs[item.room] = seq;
      if (type === "message.posted" && "text" in item.data) {
        yield item.data.text;
      }
    }
  }
  const inYard = posted(bob.follow("yard"), {});
  const cursor = list.response.headers.get("Roomlog-Position") ?? "";
  const anywhere = posted(bob.followAll({ after: cursor, types: ["message.posted"] }), { yard: 2, den: 2 });
  const hear = async (text: string): Promise<void> => {
    const heard = await Promise.all([inYard.next(), anywhere.next()]);
    assert.deepEqual(heard.map((h) => h.value), [text, text]);
  };

  await say(alice, "yard", "one");
  await hear("one");
  way.cut();
  await say(alice, "yard", "two");
  await hear("two");
  const kicked = await alice.api.PUT("/v1/rooms/{room}/members/{user}", {
    params: { path: { room: "yard", user: "bob" } },
    body: { membership: "leave" },
  });
  assert.equal(kicked.response.status, 202);
  await say(alice, "den", "three");
  await assert.rejects(inYard.next(), (end) => end instanceof StreamEnd && end.code === "not_a_member" && end.cursor === "5");
  assert.equal((await anywhere.next()).value, "three");
  await anywhere.return();
  way.end();
});

test("a stream ends with its signal", async () => {
  const { alice, bob } = clients();
  await enter("signals", alice, bob, "bob");
  const controller = new AbortController();
  const stream = bob.follow("signals", { signal: controller.signal });
  assert.equal((await stream.next()).value.type, "room.created");
  assert.equal((await stream.next()).value.type, "member.changed");
  const next = stream.next();
  controller.abort();
  await assert.rejects(next, { name: "AbortError" });
});

test("the example runs, and the README shows it", { timeout: 30_000 }, async () => {
  const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const readme = readFileSync(file("../../README.md"), "utf8");
  assert.ok(readme.includes("```ts\n" + readFileSync(file("example.ts"), "utf8") + "```"), "the README shows another example.ts");
  const example = spawn(process.execPath, [file("dist/example.js"), roomlog.url], {
    env: { ...process.env, TOKEN: roomlog.token("carol") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(example, "exit");
  const lines = createInterface({ input: example.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, "carol: Hello");
  example.kill();
  await exited;
});
