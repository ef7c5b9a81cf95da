import { type PickTimes, type TransportKind } from "../engine/picker.js";
import type { Environment } from "../environment.js";
import { type Credentials } from "./http.js";
import { PickingTransport } from "./picking.js";
/** What an application says about transports. */
export interface TransportOptions {
    /** C17: in order of preference; a single one means no fallback. Default: all three. */
    readonly transports?: readonly TransportKind[];
    /** Whether the server may compress what it sends. Default true. */
    readonly compression?: boolean;
    /** How requests say who it is, besides WebSocket: by a header, or by the cookie of the sign-in. */
    readonly credentials?: Credentials;
}
/** C17: how long things may take, ms. */
export interface TransportTimes extends PickTimes {
    /** Without a welcome so long, an attempt is lost. */
    readonly welcomeMs: Readonly<Record<TransportKind, number>>;
    /** Between polls that do not wait. */
    readonly pollPauseMs: number;
}
/** Throws `bad_options`. */
export declare function pickingTransport(environment: Environment, origin: string, options: TransportOptions, debug: (line: string) => void): PickingTransport;
