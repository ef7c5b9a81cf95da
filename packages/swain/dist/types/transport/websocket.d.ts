import { type Connection, type ConnectionEvents, type Transport } from "./transport.js";
/** The part of the browser's WebSocket that is used. */
export interface Socket {
    binaryType?: string;
    onopen: (() => void) | null;
    onmessage: ((event: {
        readonly data: unknown;
    }) => void) | null;
    onclose: ((event: {
        readonly code: number;
    }) => void) | null;
    onerror: (() => void) | null;
    send(text: string): void;
    close(code?: number): void;
}
export interface WebSocketOptions {
    /** Of the server, http or https. */
    readonly origin: string;
    readonly newSocket: (url: string) => Socket;
    /** P23: what reads compressed frames; null: the server is not to send any. */
    readonly gunzip: ((bytes: ArrayBuffer) => Promise<string>) | null;
}
export declare class WebSocketTransport implements Transport {
    #private;
    constructor(options: WebSocketOptions);
    open(events: ConnectionEvents): Connection;
}
