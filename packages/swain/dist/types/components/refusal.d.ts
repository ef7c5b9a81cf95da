import type { Client } from "../client/client.js";
import type { Refusal } from "../client/inbox.js";
/** One refused edit, with those that were refused because of it: what was wanted, why not, and what becomes of it. */
export declare function refusalCard(refusal: Refusal, client: Client, fail: (error: unknown) => void): HTMLElement;
