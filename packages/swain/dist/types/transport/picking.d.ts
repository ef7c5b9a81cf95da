import type { Fallback, Picker, TransportKind } from "../engine/picker.js";
import { type Clock, type Connection, type ConnectionEvents, type Transport } from "./transport.js";
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
export declare class PickingTransport implements Transport {
    #private;
    constructor(options: PickingOptions);
    open(events: ConnectionEvents): Connection;
    handleOnline(): void;
    /** The picker knows something new of when. */
    planReturn(): void;
}
