import type { components } from "./api.gen.js";

export type Problem = components["schemas"]["Problem"];

/** What the server has against a request (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = "ProblemError";

  constructor(
    readonly status: number,
    /** Stable; empty where a proxy answered. */
    readonly code: string,
    /** Whether the same request may succeed later. */
    readonly retryable: boolean,
    /** Seconds to wait before that; 0 where the server does not say. */
    readonly retryAfter: number,
    detail: string,
  ) {
    super(`${status} ${code}: ${detail}`);
  }

  static of(response: Response, body: unknown): ProblemError {
    const status = response.status;
    const retryAfter = Number(response.headers.get("Retry-After")) || 0;
    const problem = body as Partial<Problem> | null | undefined;
    if (typeof problem?.code !== "string") {
      return new ProblemError(status, "", [429, 502, 503, 504].includes(status), retryAfter, response.statusText);
    }
    return new ProblemError(status, problem.code, problem.retryable === true, retryAfter, problem.detail ?? "");
  }
}

/** The server has ended a stream for good. */
export class StreamEnd extends Error {
  override readonly name = "StreamEnd";

  constructor(
    /** "not_a_member", "room_deleted" or one that this client does not know. */
    readonly code: string,
    /** Up to where everything was told. */
    readonly cursor: string,
  ) {
    super(`the stream has ended: ${code}`);
  }
}
