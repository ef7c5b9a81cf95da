import { CLOSED_ABNORMALLY, type Connection, type ConnectionEvents, type Transport } from "./transport.js";

/** The part of the browser's WebSocket that is used. */
export interface Socket {
  binaryType?: string;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface WebSocketOptions {
  /** Of the server, http or https. */
  readonly origin: string;
  readonly newSocket: (url: string) => Socket;
  /** P23: what reads compressed frames; null: the server is not to send any. */
  readonly gunzip: ((bytes: ArrayBuffer) => Promise<string>) | null;
}

export class WebSocketTransport implements Transport {
  readonly #options: WebSocketOptions;
  readonly #url: string;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.#url = `${options.origin.replace(/^http/, "ws")}/api/sync/ws`;
  }

  open(events: ConnectionEvents): Connection {
    const { newSocket, gunzip } = this.#options;
    let socket: Socket;
    try {
      socket = newSocket(this.#url);
    } catch {
      // A Content-Security-Policy that forbids the address throws here.
      queueMicrotask(() => events.closed(CLOSED_ABNORMALLY));
      return { kind: "websocket", send: () => undefined, close: () => undefined };
    }
    const inbound = new Inbound(events, gunzip);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => events.opened();
    socket.onmessage = ({ data }) => inbound.handle(data);
    socket.onclose = ({ code }) => inbound.end(code);
    socket.onerror = () => undefined;
    return {
      kind: "websocket",
      send: (text) => socket.send(gunzip === null ? text : takingGzip(text)),
      close: (code) => {
        inbound.leave();
        socket.onopen = null;
        socket.onmessage = null;
        socket.onclose = null;
        socket.close(code);
      },
    };
  }
}

const HELLO = '{"hello":{';

function takingGzip(text: string): string {
  return text.startsWith(HELLO) ? `${HELLO}"gzip":true,${text.slice(HELLO.length)}` : text;
}

/** Keeps the order: what comes behind a compressed frame waits until that is read, the end too. */
class Inbound {
  readonly #events: ConnectionEvents;
  readonly #gunzip: WebSocketOptions["gunzip"];
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();
  #isLeft = false;

  constructor(events: ConnectionEvents, gunzip: WebSocketOptions["gunzip"]) {
    this.#events = events;
    this.#gunzip = gunzip;
  }

  handle(data: unknown): void {
    const isText = typeof data === "string";
    if (isText && this.#waiting === 0) return this.#events.frame(data);
    this.#inOrder(isText ? Promise.resolve(data) : this.#read(data), (text) => this.#events.frame(text));
  }

  end(code: number): void {
    if (this.#waiting === 0) return this.#events.closed(code);
    this.#inOrder(Promise.resolve(code), () => this.#events.closed(code));
  }

  leave(): void {
    this.#isLeft = true;
  }

  /** What cannot be read is handed on as what it is: no message. */
  async #read(data: unknown): Promise<string> {
    try {
      return data instanceof ArrayBuffer && this.#gunzip !== null ? await this.#gunzip(data) : "";
    } catch {
      return "";
    }
  }

  #inOrder<T>(coming: Promise<T>, work: (value: T) => void): void {
    this.#waiting += 1;
    const before = this.#last;
    this.#last = coming.then(async (value) => {
      await before;
      this.#waiting -= 1;
      if (!this.#isLeft) work(value);
    });
  }
}
