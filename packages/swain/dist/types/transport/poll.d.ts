import { type HttpOptions, type ShapeLists } from "./http.js";
import { type Clock, type Connection, type ConnectionEvents, type Transport } from "./transport.js";
export interface PollOptions extends HttpOptions {
    readonly clock: Clock;
    readonly wait: PollWait;
    /** C17: between polls that do not wait. */
    readonly pauseMs: number;
}
/** C17: how long a poll may wait at the server. */
export interface PollWait {
    seconds(): number;
    /** It was cut while it waited. */
    handleCut(): void;
}
/** P21: frames come in the answers to requests, each a short session of its own; to the device it is one connection. */
export declare class PollTransport implements Transport {
    #private;
    constructor(options: PollOptions, lists: ShapeLists);
    open(events: ConnectionEvents): Connection;
}
