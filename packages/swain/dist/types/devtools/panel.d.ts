import type { Client } from "../client/client.js";
/** The panel in the page. It is in a shadow tree: neither the page's styles nor its own reach across. */
export declare class Panel {
    #private;
    constructor();
    add(client: Client): void;
}
