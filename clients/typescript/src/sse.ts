/** What stands between two blank lines of a stream of server-sent events. Without data it is no event. */
export interface Frame {
  id: string;
  event: string;
  data: string;
  /** Milliseconds that the server asks to wait before connecting again. */
  retry?: number;
}

/** Gives the frames of a stream until it breaks off. A frame that was cut is not given. */
export async function* frames(stream: ReadableStream<Uint8Array>): AsyncGenerator<Frame, void> {
  const text = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>);
  let rest = "";
  let lines: string[] = [];
  for await (const chunk of text) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const line = part.replace(/\r$/, "");
      if (line !== "") {
        lines.push(line);
      } else if (lines.length > 0) {
        yield frameOf(lines);
        lines = [];
      }
    }
  }
}

function frameOf(lines: string[]): Frame {
  const frame: Frame = { id: "", event: "", data: "" };
  const data: string[] = [];
  for (const line of lines) {
    const colon = line.includes(":") ? line.indexOf(":") : line.length;
    const value = line.slice(colon + 1).replace(/^ /, "");
    switch (line.slice(0, colon)) { // "" is a comment
      case "id":
        frame.id = value;
        break;
      case "event":
        frame.event = value;
        break;
      case "data":
        data.push(value);
        break;
      case "retry":
        if (/^\d+$/.test(value)) {
          frame.retry = Number(value);
        }
        break;
    }
  }
  frame.data = data.join("\n");
  return frame;
}
