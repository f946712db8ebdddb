import { ProblemError, StreamEnd } from "./errors.js";
import { frames } from "./sse.js";
import type { Told } from "./told.js";

/** For how many milliseconds a stream may say nothing: the server sends a comment every 15 s. */
const silence = 45_000;
/** The first pause before connecting again, where the server does not say; it doubles up to maxPause. */
const firstPause = 2_000;
const maxPause = 30_000;
/** Ends behind which one goes on: the next server, or the next token, may be good; and who was too slow catches up at their own pace. */
const passing = ["server_shutdown", "read_model_unavailable", "slow_consumer", "token_expired"];

/** What a connection of a stream is asked with. */
export interface Connection {
  header: { "Last-Event-ID"?: string };
  accept: { Accept: string };
  signal: AbortSignal;
}

type Open = (c: Connection) => Promise<{ data?: unknown; error?: unknown; response: Response }>;

/** Tells what a stream brings, over as many connections as it takes. */
export async function* follow(open: Open, signal?: AbortSignal): AsyncGenerator<Told, never> {
  let last = "";
  let pause = firstPause;
  let opened = false;
  for (let failed = 0; ; failed++) {
    const alarm = new Alarm(signal);
    let cause: unknown;
    try {
      const stream = await connect(open, last, alarm);
      opened = true;
      for await (const frame of frames(stream)) {
        pause = frame.retry ?? pause;
        if (frame.id !== "") {
          last = frame.id;
          failed = 0;
        }
        if (frame.event === "end") {
          const end = JSON.parse(frame.data) as { code: string; cursor: number | string };
          last = String(end.cursor);
          throw new StreamEnd(end.code, last);
        }
        if (frame.data !== "") {
          alarm.off();
          yield toldBy(frame.event, frame.id, frame.data);
        }
        alarm.on();
      }
    } catch (error) {
      cause = error;
    } finally {
      alarm.end();
    }
    signal?.throwIfAborted();
    if (!opened || isFinal(cause)) {
      throw cause;
    }
    // At random, so that not all clients of a server that was away come at once.
    const wait = Math.random() * Math.min(pause * 2 ** Math.min(failed, 10), maxPause);
    await sleep(Math.max(wait, cause instanceof ProblemError ? cause.retryAfter * 1000 : 0), signal);
  }
}

async function connect(open: Open, last: string, alarm: Alarm): Promise<ReadableStream<Uint8Array>> {
  alarm.on();
  const { data, error, response } = await open({
    header: last === "" ? {} : { "Last-Event-ID": last },
    accept: { Accept: "text/event-stream" },
    signal: alarm.signal,
  });
  if (!response.ok || !data) {
    throw ProblemError.of(response, error);
  }
  return data as ReadableStream<Uint8Array>;
}

function toldBy(type: string, cursor: string, data: string): Told {
  const item: unknown = JSON.parse(data);
  return (cursor === "" ? { type, item } : { type, cursor, item }) as Told;
}

/** Whether connecting again would not help. */
function isFinal(cause: unknown): boolean {
  if (cause instanceof StreamEnd) {
    return !passing.includes(cause.code);
  }
  return cause instanceof ProblemError && !cause.retryable;
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      if (signal?.aborted) {
        reject(signal.reason as Error);
      } else {
        resolve();
      }
    }
  });
}

/** Breaks a connection off where nothing comes, or where the caller says so. */
class Alarm {
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly abort = (): void => this.controller.abort();

  constructor(private readonly outer?: AbortSignal) {
    outer?.addEventListener("abort", this.abort);
    if (outer?.aborted) {
      this.abort();
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  on(): void {
    this.off();
    this.timer = setTimeout(this.abort, silence);
  }

  off(): void {
    clearTimeout(this.timer);
  }

  end(): void {
    this.off();
    this.outer?.removeEventListener("abort", this.abort);
  }
}
