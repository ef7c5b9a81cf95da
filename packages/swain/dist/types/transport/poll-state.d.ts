import { type Json, type JsonObject } from "../engine/json.js";
import { type Hello } from "./http.js";
/** P21: what makes many polls one connection. Reads what comes, and says hello for the next. */
export declare class PollState {
    #private;
    constructor(hello: Hello);
    get hello(): Hello;
    /** Of the state that the device is in; null: the server is to answer whole. */
    get tag(): string | null;
    /** Everything up to the head had come with the last poll, and perhaps what it waited for. */
    get isCurrent(): boolean;
    /** What the session gets for a frame; `changed`: the session must say hello itself. */
    handle(frame: JsonObject): readonly Json[] | "changed";
    handleEnd(tag: string | null): void;
    /** The server knows that this device is current: a sign of life, like a heartbeat. */
    nothingNew(): readonly Json[];
}
