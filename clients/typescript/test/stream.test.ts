import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import { Client, type Told } from "@roomlog/client";

type Script = (response: ServerResponse) => void;

/** Answers each connection of a stream with the next script, and notes where it was to go on from. */
async function connections(t: TestContext, ...scripts: Script[]): Promise<{ client: Client; from: string[] }> {
  const from: string[] = [];
  const server = createServer((request, response) => {
    assert.equal(request.headers.accept, "text/event-stream");
    from.push(`${request.url} ${request.headers["last-event-id"] ?? ""}`);
    const script = scripts[from.length - 1];
    assert.ok(script, `connection ${from.length}`);
    script(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const client = new Client({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: "t" });
  return { client, from };
}

/** A stream that breaks off in the middle of the last line. */
const broken = (...lines: string[]): Script => (response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(lines.join("\n"), () => response.destroy());
};

const refused = (status: number, code: string, retryable: boolean): Script => (response) => {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ status, code, retryable, detail: "d" }));
};

const end = (code: string, cursor: unknown): string[] => ["event: end", `data: ${JSON.stringify({ code, cursor })}`, "", ""];

async function tell(stream: AsyncIterable<Told>): Promise<{ told: Told[]; error: unknown }> {
  const told: Told[] = [];
  try {
    for await (const one of stream) {
      told.push(one);
    }
  } catch (error) {
    return { told, error };
  }
  return { told, error: undefined };
}

test("it goes on from where it was", { timeout: 20_000 }, async (t) => {
  const { client, from } = await connections(
    t,
    broken("retry: 1", "", ":", "", "id: 5", "event: message.posted", 'data: {"text":', 'data: "größer"}', "", "id: 6", "event: x", "data: {}"),
    broken(":", "id: 7", "", "event: typing", 'data: {"user":"bob"}', "", ""),
    broken(...end("server_shutdown", 8)),
    refused(503, "read_model_unavailable", true),
    broken(...end("slow_consumer", 8)),
    broken(...end("room_deleted", 9)),
  );
  const { told, error } = await tell(client.follow("a room", { after: 4, types: ["message.posted", "typing"] }));
  assert.deepEqual(told, [
    { type: "message.posted", cursor: "5", item: { text: "größer" } },
    { type: "typing", item: { user: "bob" } },
  ]);
  assert.deepEqual({ ...(error as object) }, { name: "StreamEnd", code: "room_deleted", cursor: "9" });
  const path = "/v1/rooms/a%20room/events?after=4&types=message.posted,typing";
  assert.deepEqual(from, ["", "5", "7", "8", "8", "8"].map((id) => `${path} ${id}`));
});

for (const [code, scripts] of Object.entries<Script[]>({
  some_new_code: [broken(...end("some_new_code", "c"))],
  not_a_member: [broken("retry: 1", "", ""), refused(403, "not_a_member", false)],
  token_expired: [broken("retry: 1", "", ...end("token_expired", 5)), refused(401, "token_expired", false)],
  log_unavailable: [refused(503, "log_unavailable", true)], // at first, one is told
})) {
  test(`it ends: ${code}`, { timeout: 20_000 }, async (t) => {
    const { client, from } = await connections(t, ...scripts);
    const { error } = await tell(client.followAll());
    assert.equal((error as { code?: string }).code, code);
    assert.equal(from.length, scripts.length);
  });
}

test("who leaves it hangs up", { timeout: 20_000 }, async (t) => {
  let closed: Promise<unknown> | undefined;
  const { client } = await connections(t, (response) => {
    closed = once(response, "close");
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write('id: 1\nevent: room.created\ndata: {"seq":1}\n\n');
  });
  for await (const { cursor } of client.follow("lobby")) {
    assert.equal(cursor, "1");
    break;
  }
  await closed;
});

test("a position of another log is forgotten", async (t) => {
  const { client } = await connections(t, refused(412, "position_of_another_log", false));
  client.position = "old";
  await assert.rejects(client.follow("lobby").next(), { code: "position_of_another_log" });
  assert.equal(client.position, "");
});

test("what a proxy says is no problem of the API's", async (t) => {
  const { client } = await connections(t, (response) => response.writeHead(412).end("<h1>no</h1>"));
  await assert.rejects(client.follow("lobby").next(), { status: 412, code: "", retryable: false });
});
