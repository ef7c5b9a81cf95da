import { type DBCore, type DBCoreTransaction } from "dexie";
import { type RowKey } from "./journal.js";
/** What the middleware asks of the rest of the add-on. */
export interface Sync {
    /** Whether the table's changes go to the server. */
    isSynced(table: string): boolean;
    /** Whether the changes of this transaction are written down; the add-on's own are not. */
    isWatched(trans: DBCoreTransaction): boolean;
    /** A key for a new row of a counted table. */
    newKey(table: string): RowKey;
    /** The key by which a row is known now. */
    resolve(table: string, key: unknown): unknown;
    /** The table whose rows a column names, if it names any. */
    named(table: string, column: string): string | null;
    user(): string | null;
    /** A transaction with changes has ended well. */
    committed(): void;
}
/** Writes each change of a synced table into the journal, in the transaction that makes it. */
export declare function middleware(core: DBCore, sync: Sync): DBCore;
