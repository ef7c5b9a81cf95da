/** Carries frames both ways. WebSocket is the first; others carry the same frames. */
export interface Transport {
  /** Opens one connection. `closed` is called once, also when it never opened; nothing is called after `close()`. */
  open(events: ConnectionEvents): Connection;
}

export interface ConnectionEvents {
  opened(): void;
  frame(text: string): void;
  closed(code: number): void;
}

export interface Connection {
  send(text: string): void;
  close(code: number): void;
}

/** What RFC 6455 gives for a connection that ended without a close frame. */
export const CLOSED_ABNORMALLY = 1006;
