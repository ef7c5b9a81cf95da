import { type Connection, type ConnectionEvents, type Transport } from "./transport.js";
/** The part of the browser's WebSocket that is used. */
export interface Socket {
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
export declare class WebSocketTransport implements Transport {
    #private;
    /** `origin`: of the server, http or https. */
    constructor(origin: string, newSocket: (url: string) => Socket);
    open(events: ConnectionEvents): Connection;
}
