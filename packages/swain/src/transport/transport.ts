import type { TransportKind } from "../engine/picker.js";
import type { CloseCause } from "../engine/session-io.js";

/** Carries frames both ways: each transport carries the same ones. */
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
  readonly kind: TransportKind;
  send(text: string): void;
  close(code: number, cause: CloseCause): void;
}

/** What RFC 6455 gives for a connection that ended without a close frame. */
export const CLOSED_ABNORMALLY = 1006;
/** P15: the server restarts, or wants this device to come back. */
export const CLOSED_RESTART = 1012;

/** A larger frame is no frame of this protocol: it would only fill the memory. */
export const FRAME_CHARS_MAX = 32 * 1024 * 1024;

/** Every message has one member, its kind; "" when the text is no message. */
export function kindOf(text: string): string {
  return /^\s*\{\s*"(\w+)"/.exec(text)?.[1] ?? "";
}

/** The page's clock. */
export interface Clock {
  /** ms. */
  now(): number;
  /** Calls once after `ms`; returns what stops it. */
  setTimer(ms: number, call: () => void): () => void;
}

/** Hands events on until the connection is over, by either side. */
export class Gate implements ConnectionEvents {
  readonly #events: ConnectionEvents;
  #isOpen = true;

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  opened(): void {
    if (this.#isOpen) this.#events.opened();
  }

  frame(text: string): void {
    if (this.#isOpen) this.#events.frame(text);
  }

  closed(code: number): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#events.closed(code);
  }

  /** The device is to come back at once, from where it is. */
  restart(reason: string): void {
    this.frame(JSON.stringify({ goaway: { reason, retry: 0 } }));
    this.closed(CLOSED_RESTART);
  }

  leave(): void {
    this.#isOpen = false;
  }
}
