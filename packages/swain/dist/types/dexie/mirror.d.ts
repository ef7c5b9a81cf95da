import type { Dexie } from "dexie";
import type { Client } from "../client/client.js";
import { type RowKey } from "./journal.js";
import { type Times } from "./values.js";
/** Brings what the client shows into the database: rows that changed, and at first all. */
export declare class Mirror {
    #private;
    constructor(db: Dexie, client: Client, times: Times);
    /** The row may differ from what the client shows. */
    touch(table: string, key: RowKey): void;
    /** The row is under another key now. */
    move(table: string, from: RowKey, to: RowKey): void;
    touchAll(tables: readonly string[]): Promise<void>;
    /** Rows whose last edit is still in the journal stay as they are: the journal's turn comes first. */
    write(own: (trans: unknown) => void): Promise<void>;
}
