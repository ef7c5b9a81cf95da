import type { Ending, Fallback, Picker, TransportKind } from "../engine/picker.js";
import type { CloseCause } from "../engine/session-io.js";
import { messageOf } from "./http.js";
import {
  CLOSED_ABNORMALLY,
  type Clock,
  type Connection,
  type ConnectionEvents,
  Gate,
  kindOf,
  type Transport,
} from "./transport.js";

export interface PickingOptions {
  readonly transports: ReadonlyMap<TransportKind, Transport>;
  readonly picker: Picker;
  readonly clock: Clock;
  /** C17: without a welcome so long, ms, an attempt is lost. */
  readonly welcomeMs: Readonly<Record<TransportKind, number>>;
  /** Keeps a fallback over a reload of the page. */
  remember(fallback: Fallback | null): void;
  debug(line: string): void;
}

/** C17: opens each connection over the transport that the picker says, tells it what came of it, and returns. */
export class PickingTransport implements Transport {
  readonly #options: PickingOptions;
  #attempt: Attempt | null = null;

  constructor(options: PickingOptions) {
    this.#options = options;
  }

  open(events: ConnectionEvents): Connection {
    const attempt = new Attempt(this.#options, events);
    this.#attempt = attempt;
    return attempt;
  }

  handleOnline(): void {
    const { picker, clock } = this.#options;
    picker.handleOnline(clock.now());
    this.planReturn();
  }

  /** The picker knows something new of when. */
  planReturn(): void {
    this.#attempt?.planReturn();
  }
}

/** P15: what only the server says. Others are a proxy's, or the browser's. */
const CODES_OF_SERVER = new Set([1000, 1001, 1008, 1009, 1012, 1013, 4400, 4401, 4403, 4408, 4409, 4410]);

/** Switched off, or the server is older than the transport. */
const OFF = new Set(["transport_off", "not_found"]);

class Attempt implements Connection {
  readonly kind: TransportKind;
  readonly #options: PickingOptions;
  readonly #gate: Gate;
  readonly #inner: Connection;
  #welcomedAt: number | null = null;
  #heardAt = 0;
  #isOff = false;
  #hasCaughtUp = false;
  #isPushing = false;
  #isDue = false;
  #isOver = false;
  #stopDeadline: () => void = () => undefined;
  #stopReturn: () => void = () => undefined;

  constructor(options: PickingOptions, events: ConnectionEvents) {
    const { picker, clock, transports } = options;
    this.#options = options;
    this.#gate = new Gate(events);
    this.kind = picker.choose(clock.now());
    const transport = transports.get(this.kind);
    if (transport === undefined) throw new TypeError(`no transport ${this.kind}`);
    options.debug(`transport ${this.kind}`);
    if (this.kind === "websocket") this.#setDeadline();
    this.#inner = transport.open({
      opened: () => this.#gate.opened(),
      frame: (text) => this.#handleFrame(text),
      closed: (code) => this.#handleClosed(code),
    });
  }

  send(text: string): void {
    const kind = kindOf(text);
    if (kind === "push") this.#isPushing = true;
    // The request of the others goes out with the hello.
    if (kind === "hello" && this.kind !== "websocket") this.#setDeadline();
    this.#inner.send(text);
  }

  close(code: number, cause: CloseCause): void {
    this.#gate.leave();
    this.#end(cause === "dead" ? "lost" : "left");
    this.#inner.close(code, cause);
  }

  /** A quiet moment after the return time is used. */
  planReturn(): void {
    this.#stopReturn();
    const { picker, clock } = this.#options;
    const at = picker.returnAt;
    this.#isDue = false;
    if (at === null || this.#isOver || this.#welcomedAt === null) return;
    this.#stopReturn = clock.setTimer(Math.max(0, at - clock.now()), () => {
      this.#isDue = true;
      this.#returnIfQuiet();
    });
  }

  #setDeadline(): void {
    const { clock, welcomeMs, transports } = this.#options;
    this.#stopDeadline();
    // When there is only one, nothing is gained by giving it up early.
    if (transports.size === 1) return;
    this.#stopDeadline = clock.setTimer(welcomeMs[this.kind], () => {
      this.#inner.close(1000, "dead");
      this.#handleClosed(CLOSED_ABNORMALLY);
    });
  }

  #handleFrame(text: string): void {
    const { picker, clock } = this.#options;
    const kind = kindOf(text);
    this.#heardAt = clock.now();
    if (kind === "problem") this.#isOff = OFF.has(String(messageOf(text).body.code));
    if (kind === "welcome" && this.#welcomedAt === null) {
      this.#welcomedAt = this.#heardAt;
      this.#stopDeadline();
      picker.handleWelcome(this.#heardAt);
      this.#options.remember(picker.fallback);
      this.planReturn();
    }
    if (kind === "caught_up") this.#hasCaughtUp = true;
    if (kind === "results") this.#isPushing = false;
    this.#gate.frame(text);
    if (this.#isDue) this.#returnIfQuiet();
  }

  #handleClosed(code: number): void {
    this.#end(this.#isOff ? "off" : CODES_OF_SERVER.has(code) ? "closed" : "lost");
    this.#gate.closed(code);
  }

  #returnIfQuiet(): void {
    if (this.#isOver || !this.#hasCaughtUp || this.#isPushing) return;
    this.#end("left");
    this.#inner.close(1000, "left");
    this.#gate.restart("return");
  }

  #end(ending: Ending): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopDeadline();
    this.#stopReturn();
    const life = this.#welcomedAt === null ? null : this.#heardAt - this.#welcomedAt;
    this.#options.picker.handleEnd(this.#options.clock.now(), ending, life);
  }
}
