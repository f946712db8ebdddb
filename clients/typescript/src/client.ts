import createFetchClient, { type Client as FetchClient } from "openapi-fetch";

import type { paths } from "./api.gen.js";
import { follow, type Connection } from "./stream.js";
import type { FollowAllOptions, FollowOptions, Told } from "./told.js";

const positionHeader = "Roomlog-Position";

export interface Options {
  /** Where the server is, such as http://127.0.0.1:8080. */
  server: string;
  /** The bearer token, or what gives it: asked before each request, so that it may give a new one in time. */
  token: string | (() => string | Promise<string>);
  /** The position of the last visit. */
  position?: string;
  fetch?: typeof globalThis.fetch;
}

/** One person's view of the API. */
export class Client {
  /**
   * The routes: `api.GET("/v1/rooms/{room}", …)` gives `data`, or `error` with the problem. The
   * position is sent and kept by itself.
   */
  readonly api: FetchClient<paths>;

  /** The latest position: what was written through this client is read through it, on any replica. */
  position: string;

  constructor(options: Options) {
    this.position = options.position ?? "";
    this.api = createFetchClient<paths>({
      baseUrl: options.server,
      querySerializer: { array: { style: "form", explode: false } },
      ...(options.fetch && { fetch: options.fetch }),
    });
    const { token } = options;
    this.api.use({
      onRequest: async ({ request }) => {
        request.headers.set("Authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
        if (this.position) {
          request.headers.set(positionHeader, this.position);
        }
        return request;
      },
      onResponse: async ({ request, response }) => {
        await this.note(request, response);
        return undefined;
      },
    });
  }

  /**
   * Replays a room's events and then follows the room. It goes on behind the last event where the
   * connection breaks, nothing is heard for 45 s or the server stops, so that each event comes once
   * and in order; while the server is away it tries again, at growing intervals.
   *
   * It throws {@link StreamEnd} where the server has ended it for good, {@link ProblemError} where
   * the server has something against a request, and what kept the first connection from coming about.
   */
  follow(room: string, options: FollowOptions = {}): AsyncGenerator<Told, never> {
    const { signal, ...query } = options;
    return follow(
      (c: Connection) =>
        this.api.GET("/v1/rooms/{room}/events", {
          params: { path: { room }, query, header: c.header },
          headers: c.accept,
          parseAs: "stream",
          signal: c.signal,
        }),
      signal,
    );
  }

  /** {@link follow} for all of one's rooms, or those that are named. */
  followAll(options: FollowAllOptions = {}): AsyncGenerator<Told, never> {
    const { signal, ...query } = options;
    return follow(
      (c: Connection) =>
        this.api.GET("/v1/events", {
          params: { query, header: c.header },
          headers: c.accept,
          parseAs: "stream",
          signal: c.signal,
        }),
      signal,
    );
  }

  /**
   * Keeps the position of an answer. The server has joined it with the one that was sent; where
   * another answer has come meanwhile, only a command's replaces that: a slow read does not make one
   * forget what one wrote since.
   */
  private async note(request: Request, response: Response): Promise<void> {
    const sent = request.headers.get(positionHeader) ?? "";
    const got = response.headers.get(positionHeader);
    if (got && (this.position === sent || request.method !== "GET")) {
      this.position = got;
    }
    if (response.status === 412 && this.position === sent) {
      const problem: unknown = await response.clone().json().catch(() => undefined); // a proxy's, say
      if ((problem as { code?: string } | undefined)?.code === "position_of_another_log") {
        this.position = "";
      }
    }
  }
}
