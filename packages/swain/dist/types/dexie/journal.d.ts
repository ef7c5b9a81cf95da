import type { Table } from "dexie";
import type { Client } from "../client/client.js";
import type { Row } from "../engine/schema.js";
/** The store that the add-on adds to the database. Names that begin with $ are out of an application's way. */
export declare const JOURNAL = "$swain";
/** At this key stands the mark: the rows that were there before the add-on are in the journal. */
export declare const MARK_KEY = 0;
/** One change of one row, written in the transaction that makes it, so that neither is there without the other. */
export interface JournalEntry {
    /** Of the transaction: its changes become one mutation. */
    readonly uid: string;
    /** Whose edit it is; null: nobody was signed in. */
    readonly user: string | null;
    readonly table: string;
    readonly key: RowKey;
    /** Insert: the whole row. Update: the columns that changed. Null: the row was deleted. */
    readonly kind: "insert" | "update" | "delete";
    readonly set: Row;
}
export type RowKey = number | string | readonly (number | string)[];
export interface Refused {
    readonly error: unknown;
    readonly entries: readonly JournalEntry[];
}
/**
 * Hands what is in the journal to the client, in order, each transaction as one mutation with the journal's uid, and
 * takes it out when the client has saved it: a crash between the two hands it over again, and the uid tells.
 * `isOpen`: the client's store is that of the person who is signed in. Returns the rows that were handed over.
 */
export declare function drain(journal: Table<JournalEntry, number>, client: Client, isOpen: () => boolean, refused: (what: Refused) => void): Promise<readonly JournalEntry[]>;
