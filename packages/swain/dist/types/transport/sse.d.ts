import { type HttpOptions, type ShapeLists } from "./http.js";
import { type Connection, type ConnectionEvents, type Transport } from "./transport.js";
/** The part of the browser's EventSource that is used. */
export interface EventStream {
    onmessage: ((event: {
        readonly data: unknown;
    }) => void) | null;
    onerror: (() => void) | null;
    addEventListener(name: string, call: (event: {
        readonly data?: unknown;
    }) => void): void;
    close(): void;
}
export interface SseOptions extends HttpOptions {
    /** With the cookie; null: this browser has none, and fetch reads the stream. */
    readonly eventStream: ((url: string) => EventStream) | null;
}
/** P20: frames come as server-sent events, and go up in requests of their own. */
export declare class SseTransport implements Transport {
    #private;
    constructor(options: SseOptions, lists: ShapeLists);
    open(events: ConnectionEvents): Connection;
}
