import { Client } from "@roomlog/client";

const server = process.argv[2] ?? "http://127.0.0.1:8080";
const me = new Client({ server, token: process.env["TOKEN"] ?? "" });
const params = { path: { room: "lobby" }, header: { Prefer: "wait=5" } };
await me.api.PUT("/v1/rooms/{room}", { params, body: { kind: "public", name: "Lobby" } });
const { error } = await me.api.POST("/v1/rooms/{room}/messages", { params, body: { text: "Hello" } });
if (error) {
  throw new Error(`${error.code}: ${error.detail}`);
}
for await (const { type, item } of me.follow("lobby")) {
  if (type === "message.posted" && "text" in item.data) {
    console.log(`${item.sender}: ${item.data.text}`);
  }
}
