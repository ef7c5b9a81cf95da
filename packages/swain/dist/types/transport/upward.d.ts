import type { Json } from "../engine/json.js";
import type { Requests } from "./http.js";
import { type Gate } from "./transport.js";
/** P22: what goes up beside a stream that only comes down. In order, one in flight. */
export declare class Upward {
    #private;
    constructor(requests: Requests, device: string, gate: Gate);
    /** Resolves when nothing is in flight. */
    get idle(): Promise<void>;
    push(mutations: Json): Promise<void>;
    /** P28: what is said while a request is in flight goes with the next one. That it was lost changes nothing. */
    say(body: Json): void;
}
