import type { Client } from "../client/client.js";
import type { Conflict } from "../client/inbox.js";
import { type Names } from "./words.js";
/**
 * One conflict: who wrote what and when, and what can be made of it. Given `conflict` and `client`; says `swain-decided`
 * or `swain-failed` (detail: the error), both bubbling.
 */
export declare class SwainConflict extends HTMLElement {
    #private;
    constructor();
    get conflict(): Conflict | null;
    set conflict(conflict: Conflict | null);
    get client(): Client | null;
    set client(client: Client | null);
    get names(): Names;
    set names(names: Names);
}
