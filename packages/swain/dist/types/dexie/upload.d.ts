import type { Dexie } from "dexie";
import type { Client } from "../client/client.js";
/**
 * The rows that were there before the add-on: into the journal, once. In one transaction, the mark included, so it
 * happens whole or not at all, and never again.
 *
 * A counted key is this device's own number, which another device has given to another row. Such rows get temporary
 * keys first, and the columns that name them follow; the server gives the keys that stay.
 */
export declare function uploadOnce(db: Dexie, client: Client, tables: readonly string[], own: (trans: unknown) => void, isOpen: () => boolean): Promise<void>;
