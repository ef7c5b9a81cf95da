export type TransportKind = "websocket" | "sse" | "poll";

/** How an attempt or connection ended. */
export type Ending =
  /** Nobody said why: refused, cut, silent, late with its welcome, or garbled on the way. */
  | "lost"
  /** The server itself ended it, by a close code or a problem: so the transport reaches it. */
  | "closed"
  /** The server does not offer this transport: `transport_off`. */
  | "off"
  /** This device wanted it to end. */
  | "left";

export interface PickTimes {
  /** Connections that lived shorter, CUTS_MAX in a row, were cut by something in between. */
  readonly shortLifeMs: number;
  /** How long a lower choice is kept before the better one is tried again; doubles each time in vain. */
  readonly returnFirstMs: number;
  readonly returnMaxMs: number;
  /** The same, when the network was away and nothing speaks against the better one. */
  readonly returnSoonMs: number;
}

export const PICK_TIMES: PickTimes = {
  shortLifeMs: 30_000,
  returnFirstMs: 600_000,
  returnMaxMs: 3_600_000,
  returnSoonMs: 30_000,
};
export const CUTS_MAX = 3;
/** How long a poll may wait at the server, s; the next one after each poll that was cut while waiting. */
export const POLL_WAITS_S = [25, 12, 6, 0] as const;

/** A lower choice, for a page that goes on where this one is. */
export interface Fallback {
  readonly kind: TransportKind;
  /** When the best is tried again. */
  readonly until: number;
}

/**
 * C17: which transport the next attempt uses. One attempt is `choose`, then perhaps `handleWelcome`, then `handleEnd`.
 *
 *   first ──lost before its welcome, cut three times, off──→ next ──…──→ last ──→ first
 *     ↑                                                       │
 *     └───────────── return time, or online ──────────────────┘
 */
export class Picker {
  /** In order of preference. */
  readonly #kinds: readonly [TransportKind, ...TransportKind[]];
  readonly #times: PickTimes;
  #current: TransportKind;
  #cuts = 0;
  #wait = 0;
  /** Lost without a welcome since the last welcome of any. */
  readonly #failed = new Set<TransportKind>();
  /** Had a welcome, and was not given up since. */
  readonly #worked = new Set<TransportKind>();
  readonly #offUntil = new Map<TransportKind, number>();
  #returnAt: number | null = null;
  #returnMs: number;
  #isReturnSoon = false;

  constructor(kinds: readonly [TransportKind, ...TransportKind[]], times: PickTimes = PICK_TIMES) {
    this.#kinds = kinds;
    this.#times = times;
    this.#returnMs = times.returnFirstMs;
    this.#current = kinds[0];
  }

  /** When a quiet moment is to be used to come back to a better transport; null: there is none. */
  get returnAt(): number | null {
    return this.#returnAt;
  }

  /** How long a poll asks the server to wait, s. */
  get waitSeconds(): number {
    return POLL_WAITS_S[this.#wait] ?? 0;
  }

  /** Null: the best is in use. */
  get fallback(): Fallback | null {
    if (this.#current === this.#kinds[0] || this.#returnAt === null) return null;
    return { kind: this.#current, until: this.#returnAt };
  }

  /** Goes on where an earlier page was, as long as it would have. */
  resume(now: number, { kind, until }: Fallback): void {
    const isNear = until > now && until - now <= this.#times.returnMaxMs;
    if (!isNear || !this.#kinds.includes(kind) || kind === this.#kinds[0]) return;
    this.#current = kind;
    this.#returnAt = until;
  }

  /** An attempt begins. */
  choose(now: number): TransportKind {
    if (this.#returnAt !== null && now >= this.#returnAt) this.#return(now);
    return this.#current;
  }

  handleWelcome(now: number): void {
    const best = this.#best(now);
    const wasAway = this.#failed.has(this.#current) || this.#worked.has(best);
    this.#failed.clear();
    this.#worked.add(this.#current);
    const isBest = this.#current === this.#kinds[0] && this.#wait === 0;
    if (isBest) {
      this.#returnAt = null;
    } else if (this.#returnAt === null) {
      this.#isReturnSoon = wasAway && this.#current !== best;
      this.#returnAt = now + (this.#isReturnSoon ? this.#times.returnSoonMs : this.#returnMs);
    }
  }

  /** `lifeMs`: from the welcome to the last frame; null: there was no welcome. */
  handleEnd(now: number, ending: Ending, lifeMs: number | null): void {
    if (lifeMs !== null && lifeMs >= this.#times.shortLifeMs) {
      this.#cuts = 0;
      if (this.#current === this.#kinds[0]) this.#returnMs = this.#times.returnFirstMs;
    }
    if (ending === "off") {
      this.#offUntil.set(this.#current, now + this.#returnMs);
      return this.#moveOn(now);
    }
    if (ending !== "lost") return;
    if (lifeMs === null) {
      this.#failed.add(this.#current);
      return this.#moveOn(now);
    }
    if (lifeMs >= this.#times.shortLifeMs) return;
    this.#cuts += 1;
    if (this.#cuts < CUTS_MAX) return;
    this.#worked.delete(this.#current);
    this.#moveOn(now);
  }

  /** A poll was cut while the server had nothing to say: something in between does not wait that long. */
  handleWaitCut(now: number): void {
    this.#wait = Math.min(this.#wait + 1, POLL_WAITS_S.length - 1);
    this.#returnAt ??= now + this.#returnMs;
  }

  /** Perhaps another network: what was learned of the old one does not count. */
  handleOnline(now: number): void {
    this.#returnMs = this.#times.returnFirstMs;
    this.#offUntil.clear();
    if (this.#current === this.#kinds[0] && this.#wait === 0) return;
    this.#isReturnSoon = true;
    this.#returnAt = now;
  }

  #return(now: number): void {
    this.#returnAt = null;
    this.#cuts = 0;
    this.#wait = 0;
    this.#current = this.#best(now);
    this.#worked.delete(this.#current);
    if (!this.#isReturnSoon) this.#returnMs = Math.min(2 * this.#returnMs, this.#times.returnMaxMs);
    this.#isReturnSoon = false;
  }

  /** To the next that is offered; when none is, to the next. */
  #moveOn(now: number): void {
    this.#cuts = 0;
    const from = this.#kinds.indexOf(this.#current) + 1;
    const others = [...this.#kinds.slice(from), ...this.#kinds.slice(0, from)];
    this.#current = others.find((kind) => !this.#isOff(kind, now)) ?? others[0] ?? this.#current;
  }

  #best(now: number): TransportKind {
    return this.#kinds.find((kind) => !this.#isOff(kind, now)) ?? this.#kinds[0];
  }

  #isOff(kind: TransportKind, now: number): boolean {
    const until = this.#offUntil.get(kind);
    return until !== undefined && now < until;
  }
}
