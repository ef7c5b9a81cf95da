import { type Refusal, refusalOf, tell } from "./answer.js";
import { EventParser, type ServerEvent } from "./event-parser.js";
import { type Hello, type HttpOptions, helloOf, messageOf, Requests, type ShapeLists, textOf } from "./http.js";
import { CLOSED_ABNORMALLY, type Connection, type ConnectionEvents, Gate, type Transport } from "./transport.js";
import { Upward } from "./upward.js";

/** The part of the browser's EventSource that is used. */
export interface EventStream {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: (() => void) | null;
  addEventListener(name: string, call: (event: { readonly data?: unknown }) => void): void;
  close(): void;
}

export interface SseOptions extends HttpOptions {
  /** With the cookie; null: this browser has none, and fetch reads the stream. */
  readonly eventStream: ((url: string) => EventStream) | null;
}

/** P20: frames come as server-sent events, and go up in requests of their own. */
export class SseTransport implements Transport {
  readonly #options: SseOptions;
  readonly #lists: ShapeLists;

  constructor(options: SseOptions, lists: ShapeLists) {
    this.#options = options;
    this.#lists = lists;
  }

  open(events: ConnectionEvents): Connection {
    return new SseConnection(this.#options, this.#lists, new Gate(events));
  }
}

class SseConnection implements Connection {
  readonly kind = "sse";
  readonly #options: SseOptions;
  readonly #lists: ShapeLists;
  readonly #gate: Gate;
  #requests: Requests | null = null;
  #upward: Upward | null = null;
  #eventStream: EventStream | null = null;

  constructor(options: SseOptions, lists: ShapeLists, gate: Gate) {
    this.#options = options;
    this.#lists = lists;
    this.#gate = gate;
    queueMicrotask(() => gate.opened());
  }

  send(text: string): void {
    const { kind, body } = messageOf(text);
    if (kind === "hello") void this.#begin(helloOf(body), textOf(body.token));
    if (kind === "push") void this.#upward?.push(body.mutations ?? []);
    if (kind === "presence") this.#upward?.say(body);
    if (kind === "auth") void this.#renew(textOf(body.token));
  }

  close(): void {
    this.#gate.leave();
    this.#stop();
  }

  async #begin(hello: Hello, token: string | null): Promise<void> {
    const requests = new Requests(this.#options, this.#lists, token);
    this.#requests = requests;
    this.#upward = new Upward(requests, hello.device, this.#gate);
    try {
      await this.#open(requests, hello, "may post again");
    } catch {
      this.#end(CLOSED_ABNORMALLY);
    }
  }

  /** P3: the right to a stream cannot be renewed while it runs; what is on its way up is waited for. */
  async #renew(token: string | null): Promise<void> {
    if (this.#requests !== null) this.#requests.token = token;
    await this.#upward?.idle;
    this.#gate.restart("token");
    this.#stop();
  }

  async #open(requests: Requests, hello: Hello, shapes: "may post again" | "were posted again"): Promise<void> {
    const query = await requests.query(hello, { cursor: hello.cursor });
    if (!this.#gate.isOpen) return;
    if (query.kind === "refused") return this.#refuse(query.refusal);
    const path = `/api/sync/events?${query.value}`;
    const { eventStream, credentials } = this.#options;
    const refusal =
      eventStream !== null && credentials === "cookie" && requests.token !== null
        ? await this.#listen(eventStream(`${this.#options.origin}${path}`), requests, path)
        : await this.#read(requests, path);
    if (refusal === null) return;
    if (shapes === "may post again" && requests.forgets(refusal)) {
      return this.#open(requests, hello, "were posted again");
    }
    this.#refuse(refusal);
  }

  /** Null: it was a stream, and is over. */
  async #read(requests: Requests, path: string): Promise<Refusal | null> {
    const response = await requests.send(path, { headers: { accept: "text/event-stream" } });
    if (!response.ok) return refusalOf(response);
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
    if (response.body === null || !isStream) throw new TypeError("not a stream of events");
    const parser = new EventParser((event) => this.#handle(event));
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parser.push(decoder.decode(value, { stream: true }));
    }
    this.#end(CLOSED_ABNORMALLY);
    return null;
  }

  /**
   * An EventSource does not say why it failed, so another request asks when there was not one event.
   * It is never left to connect again by itself: that is for the session to say.
   */
  #listen(stream: EventStream, requests: Requests, path: string): Promise<Refusal | null> {
    this.#eventStream = stream;
    return new Promise((resolve, reject) => {
      let isWelcomed = false;
      stream.onmessage = ({ data }) => {
        isWelcomed = true;
        this.#handle({ name: "message", data: String(data) });
      };
      stream.addEventListener("close", ({ data }) => {
        isWelcomed = true;
        this.#handle({ name: "close", data: String(data) });
        resolve(null);
      });
      stream.onerror = () => {
        stream.close();
        if (isWelcomed || !this.#gate.isOpen) {
          this.#end(CLOSED_ABNORMALLY);
          resolve(null);
        } else {
          this.#why(requests, path).then(resolve, reject);
        }
      };
    });
  }

  async #why(requests: Requests, path: string): Promise<Refusal | null> {
    const response = await requests.send(path, { headers: { accept: "text/event-stream" } });
    if (!response.ok) return refusalOf(response);
    this.#end(CLOSED_ABNORMALLY);
    return null;
  }

  #handle({ name, data }: ServerEvent): void {
    if (name === "message") this.#gate.frame(data);
    if (name === "close") this.#end(/^[0-9]{4}$/.test(data) ? Number(data) : CLOSED_ABNORMALLY);
  }

  #refuse(refusal: Refusal): void {
    tell(this.#gate, refusal);
    this.#stop();
  }

  #end(code: number): void {
    this.#gate.closed(code);
    this.#stop();
  }

  #stop(): void {
    this.#requests?.abort();
    this.#eventStream?.close();
  }
}
