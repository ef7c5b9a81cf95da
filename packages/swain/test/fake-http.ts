import type { Json } from "../src/engine/json";
import type { TransportKind } from "../src/engine/picker";
import { type FakeServer, FakeSession, type Mutation } from "./fake-server";

interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly credentials: string | undefined;
}

interface Batch {
  readonly device: string;
  readonly mutations: Mutation[];
  readonly presence?: readonly Readonly<Record<string, Json>>[];
}

/** P20 to P22 in front of the fake server, and what may lie between. */
export class FakeHttp {
  readonly #server: FakeServer;
  readonly #lists = new Map<string, Json>();
  readonly asked: Asked[] = [];
  /** Answers instead of the server; null: the server itself. */
  intercept: (path: string) => Response | null = () => null;
  /** A load goes on with the next poll after so many frames. */
  answerFrames = 1000;
  /** A proxy that holds everything back until the end. */
  buffers = false;

  constructor(server: FakeServer) {
    this.#server = server;
  }

  forgetLists(): void {
    this.#lists.clear();
  }

  async answer(url: URL, init: RequestInit): Promise<Response> {
    const path = url.pathname.slice("/api/sync/".length);
    const headers = new Headers(init.headers);
    this.asked.push({ path, query: url.searchParams, headers, credentials: init.credentials });
    const other = this.intercept(path);
    if (other !== null) return other;
    init.signal?.throwIfAborted();
    switch (path) {
      case "shapes":
        return this.#shapes(String(init.body));
      case "batch":
        return this.#batch(JSON.parse(String(init.body)) as Batch);
      case "events":
        return this.#offered("sse") ?? this.#events(url.searchParams, init.signal ?? null);
      case "changes":
        return this.#offered("poll") ?? this.#changes(url.searchParams, headers, init.signal ?? null);
      default:
        return problem(404, "not_found");
    }
  }

  /** Null: it goes on. */
  #offered(kind: TransportKind): Response | null {
    if (!this.#server.passes.has(kind)) throw new TypeError("network");
    return this.#server.offers.has(kind) ? null : problem(404, "transport_off");
  }

  #shapes(body: string): Response {
    const hash = `hash-${body.length}`;
    this.#lists.set(hash, JSON.parse(body).shapes as Json);
    return Response.json({ hash });
  }

  #batch({ device, mutations, presence }: Batch): Response | Promise<Response> {
    if (presence !== undefined) {
      const session = [...this.#server.sessions].find((session) => session.device === device);
      for (const body of presence) if (session !== undefined) this.#server.rooms.say(session, body);
      return Response.json({ results: { results: [] } });
    }
    this.#server.received.push({ push: { mutations: mutations as unknown as Json } });
    return new Promise((resolve) => this.#server.push(device, mutations, (frame) => resolve(Response.json(frame))));
  }

  #events(query: URLSearchParams, signal: AbortSignal | null): Response {
    const hello = this.#hello(query, query.get("cursor"));
    if (hello === null) return problem(404, "unknown_shapes");
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const write = (text: string): void => {
          // In two pieces, as networks do.
          const bytes = encoder.encode(text);
          const middle = Math.floor(bytes.length / 2);
          if (this.buffers) return;
          controller.enqueue(bytes.slice(0, middle));
          controller.enqueue(bytes.slice(middle));
        };
        const line = {
          frame: (text: string) => write(`data: ${text}\n\n`),
          closed: (code: number) => {
            if (code !== 1006) write(`event: close\ndata: ${code}\n\n`);
            if (code === 1006) controller.error(new TypeError("network"));
            else controller.close();
          },
        };
        const session = new FakeSession(this.#server, line);
        session.begin();
        this.#server.received.push({ hello });
        session.hello(hello);
        signal?.addEventListener("abort", () => {
          session.leave();
          controller.error(new DOMException("aborted", "AbortError"));
        });
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #changes(query: URLSearchParams, headers: Headers, signal: AbortSignal | null): Response | Promise<Response> {
    const hello = this.#hello(query, query.get("since"));
    if (hello === null) return problem(404, "unknown_shapes");
    const waits = Number(query.get("wait")) > 0;
    const etag = (): string => `"${this.#server.epoch}-${this.#server.pos}"`;
    const isSame = headers.get("if-none-match") === etag();
    return new Promise((resolve, reject) => {
      const frames: string[] = [];
      let isOver = false;
      const end = (close: number | null): void => {
        if (isOver) return;
        isOver = true;
        session.leave();
        signal?.removeEventListener("abort", abort);
        const text = `{"frames":[${frames.join(",")}]${close === null ? "" : `,"close":${close}`}}`;
        resolve(new Response(text, { headers: { etag: etag() } }));
      };
      const line = {
        frame: (text: string) => {
          frames.push(text);
          const isLoad = text.startsWith('{"load"');
          if (isLoad && frames.length > this.answerFrames) return end(null);
          const isHeld = waits && isSame && text.startsWith('{"caught_up"');
          const isNews = text.startsWith('{"changes"') && frames.some((one) => one.startsWith('{"caught_up"'));
          if ((text.startsWith('{"caught_up"') && !isHeld) || isNews) end(null);
        },
        closed: (code: number) => (code === 1006 ? reject(new TypeError("network")) : end(code)),
      };
      const session = new FakeSession(this.#server, line, false);
      const abort = (): void => {
        session.leave();
        reject(new DOMException("aborted", "AbortError"));
      };
      session.begin();
      this.#server.received.push({ hello });
      session.hello(hello);
      signal?.addEventListener("abort", abort);
    });
  }

  #hello(query: URLSearchParams, cursor: string | null): Record<string, Json> | null {
    const shapes = this.#lists.get(query.get("shapes") ?? "");
    if (shapes === undefined) return null;
    return {
      device: query.get("device"),
      cursor,
      acked: Number(query.get("acked")),
      schema: Number(query.get("schema")),
      load: query.get("load"),
      shapes,
    };
  }
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const all = { "content-type": "application/problem+json", ...headers };
  return new Response(JSON.stringify({ code, title: code, status }), { status, headers: all });
}
