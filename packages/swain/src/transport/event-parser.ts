import { SwainError } from "../error.js";
import { FRAME_CHARS_MAX } from "./transport.js";

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** Reads `text/event-stream` in pieces of any size, as the HTML standard says; ids and retry times are not used. */
export class EventParser {
  readonly #event: (event: ServerEvent) => void;
  #line = "";
  #isFirst = true;
  #endedWithReturn = false;
  #name = "";
  #data: string[] = [];
  #chars = 0;

  constructor(event: (event: ServerEvent) => void) {
    this.#event = event;
  }

  /** Throws when an event grows beyond what a frame may be. */
  push(text: string): void {
    // A line that ended with CR at the end of the last piece may have been CR LF.
    let from = this.#endedWithReturn && text.startsWith("\n") ? 1 : 0;
    if (text !== "") this.#endedWithReturn = text.endsWith("\r");
    const ends = /\r\n|\r|\n/g;
    ends.lastIndex = from;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.#endLine(this.#line + text.slice(from, end.index));
      this.#line = "";
      from = ends.lastIndex;
    }
    this.#line += text.slice(from);
    this.#checkSize(this.#line.length);
  }

  #endLine(text: string): void {
    // A byte order mark may stand at the very beginning.
    const line = this.#isFirst && text.startsWith("\uFEFF") ? text.slice(1) : text;
    this.#isFirst = false;
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.#name = value;
    if (field !== "data") return;
    this.#data.push(value);
    this.#chars += value.length;
    this.#checkSize(0);
  }

  #dispatch(): void {
    const event = { name: this.#name === "" ? "message" : this.#name, data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#name = "";
    this.#data = [];
    this.#chars = 0;
    if (!isEmpty) this.#event(event);
  }

  #checkSize(more: number): void {
    if (this.#chars + more > FRAME_CHARS_MAX) throw new SwainError("bad_frame", "The server's event has no end.");
  }
}
