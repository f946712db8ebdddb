import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A running `roomlog run`. ROOMLOG_BIN is the directory of the program. */
export class Roomlog {
  private constructor(
    readonly url: string,
    private readonly data: string,
    private readonly stopped: () => Promise<void>,
  ) {}

  static async start(): Promise<Roomlog> {
    const data = mkdtempSync(join(tmpdir(), "roomlog-"));
    const args = ["run", "--data", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    const process = spawn(program(), args, { stdio: ["ignore", "pipe", "pipe"] });
    const exited = once(process, "exit");
    let said = "";
    process.stderr.on("data", (chunk) => (said += chunk));
    for await (const line of createInterface({ input: process.stdout })) {
      if (line.startsWith("ready ")) {
        return new Roomlog(line.slice("ready ".length), data, async () => {
          process.kill();
          await exited;
          rmSync(data, { recursive: true });
        });
      }
    }
    throw new Error(`roomlog run has ended:\n${said}`);
  }

  stop(): Promise<void> {
    return this.stopped();
  }

  token(user: string): string {
    return execFileSync(program(), ["token", user, "--data", this.data], { encoding: "utf8" }).trim();
  }
}

function program(): string {
  const bin = process.env["ROOMLOG_BIN"];
  if (!bin) {
    throw new Error("ROOMLOG_BIN is not set: run make test-typescript");
  }
  return join(bin, "roomlog");
}

/** A way to a server that can be cut. */
export class Way {
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly url: string,
    private readonly close: () => void,
  ) {}

  static async to(url: string): Promise<Way> {
    const { port } = new URL(url);
    const server = createServer((client) => {
      const upstream = connect(Number(port), "127.0.0.1");
      for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
        way.sockets.add(from);
        from.on("error", () => to.destroy()).on("close", () => to.destroy());
        from.pipe(to);
      }
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const way = new Way(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => server.close());
    return way;
  }

  cut(): void {
    for (const socket of this.sockets) {
      socket.destroy();
    }
    this.sockets.clear();
  }

  end(): void {
    this.cut();
    this.close();
  }
}
