import type { Client } from "../client/client.js";
/** The panel in the page. It is in a shadow tree: neither the page's styles nor its own reach across. */
export declare class Panel {
    #private;
    constructor();
    add(client: Client): void;
    /** What is wrong with what was saved; the page goes on with what was before. */
    tell(problem: string): void;
}
