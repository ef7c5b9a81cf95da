import { CLOSED_ABNORMALLY, type Connection, type ConnectionEvents, type Transport } from "./transport.js";

/** The part of the browser's WebSocket that is used. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export class WebSocketTransport implements Transport {
  readonly #url: string;
  readonly #newSocket: (url: string) => Socket;

  /** `origin`: of the server, http or https. */
  constructor(origin: string, newSocket: (url: string) => Socket) {
    this.#url = `${origin.replace(/^http/, "ws")}/api/sync/ws`;
    this.#newSocket = newSocket;
  }

  open(events: ConnectionEvents): Connection {
    let socket: Socket;
    try {
      socket = this.#newSocket(this.#url);
    } catch {
      // A Content-Security-Policy that forbids the address throws here.
      queueMicrotask(() => events.closed(CLOSED_ABNORMALLY));
      return { send: () => undefined, close: () => undefined };
    }
    socket.onopen = () => events.opened();
    socket.onmessage = ({ data }) => events.frame(typeof data === "string" ? data : "");
    socket.onclose = ({ code }) => events.closed(code);
    socket.onerror = () => undefined;
    return {
      send: (text) => socket.send(text),
      close: (code) => {
        socket.onopen = null;
        socket.onmessage = null;
        socket.onclose = null;
        socket.close(code);
      },
    };
  }
}
