export type TransportKind = "websocket" | "sse" | "poll";
/** How an attempt or connection ended. */
export type Ending = 
/** Nobody said why: refused, cut, silent, late with its welcome, or garbled on the way. */
"lost"
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
export declare const PICK_TIMES: PickTimes;
export declare const CUTS_MAX = 3;
/** How long a poll may wait at the server, s; the next one after each poll that was cut while waiting. */
export declare const POLL_WAITS_S: readonly [25, 12, 6, 0];
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
export declare class Picker {
    #private;
    constructor(kinds: readonly [TransportKind, ...TransportKind[]], times?: PickTimes);
    /** When a quiet moment is to be used to come back to a better transport; null: there is none. */
    get returnAt(): number | null;
    /** How long a poll asks the server to wait, s. */
    get waitSeconds(): number;
    /** Null: the best is in use. */
    get fallback(): Fallback | null;
    /** Goes on where an earlier page was, as long as it would have. */
    resume(now: number, { kind, until }: Fallback): void;
    /** An attempt begins. */
    choose(now: number): TransportKind;
    handleWelcome(now: number): void;
    /** `lifeMs`: from the welcome to the last frame; null: there was no welcome. */
    handleEnd(now: number, ending: Ending, lifeMs: number | null): void;
    /** A poll was cut while the server had nothing to say: something in between does not wait that long. */
    handleWaitCut(now: number): void;
    /** Perhaps another network: what was learned of the old one does not count. */
    handleOnline(now: number): void;
}
