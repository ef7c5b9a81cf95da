import type { Client } from "../client/client.js";
import type { Names } from "./words.js";
/** All that waits for the person of `client`: conflicts and refusals. `names` says who a user is. */
export declare class SwainInbox extends HTMLElement {
    #private;
    constructor();
    get client(): Client | null;
    set client(client: Client | null);
    get names(): Names;
    /** Who users are may become known later: set it again. */
    set names(names: Names);
    connectedCallback(): void;
    disconnectedCallback(): void;
}
