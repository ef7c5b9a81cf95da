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
export declare const CLOSED_ABNORMALLY = 1006;
/** P15: the server restarts, or wants this device to come back. */
export declare const CLOSED_RESTART = 1012;
/** A larger frame is no frame of this protocol: it would only fill the memory. */
export declare const FRAME_CHARS_MAX: number;
/** Every message has one member, its kind; "" when the text is no message. */
export declare function kindOf(text: string): string;
/** The page's clock. */
export interface Clock {
    /** ms. */
    now(): number;
    /** Calls once after `ms`; returns what stops it. */
    setTimer(ms: number, call: () => void): () => void;
}
/** Hands events on until the connection is over, by either side. */
export declare class Gate implements ConnectionEvents {
    #private;
    constructor(events: ConnectionEvents);
    get isOpen(): boolean;
    opened(): void;
    frame(text: string): void;
    closed(code: number): void;
    /** The device is to come back at once, from where it is. */
    restart(reason: string): void;
    leave(): void;
}
