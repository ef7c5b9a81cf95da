import { type Operation } from "./operation.js";
import type { Replica } from "./replica.js";
import { type Key, type Row, type TableSchema } from "./schema.js";
/** M1, P16. */
export declare const OPERATIONS_MAX = 500;
/** P16: of one push, and so of one mutation. */
export declare const MUTATION_BYTES_MAX = 1048576;
/** M3: a longer value travels as its hash. */
export declare const WAS_BYTES_MAX = 256;
/** What an update may do to a row, column by column. */
export interface Changes {
    readonly set?: Readonly<Record<string, unknown>>;
    readonly inc?: Readonly<Record<string, unknown>>;
    readonly add?: Readonly<Record<string, readonly unknown[]>>;
    readonly remove?: Readonly<Record<string, readonly unknown[]>>;
}
/** One mutation in the making. Each operation sees the rows as those before it left them. */
export declare class Draft {
    #private;
    /** `newTemporary` gives a negative id that this device never gave before (C19). */
    constructor(replica: Replica, newId: () => string, newTemporary: () => number);
    /** Refuses what the server would refuse for its size. */
    operations(): readonly Operation[];
    row(table: string, given: Key): Row | null;
    /** Returns the key. */
    insert(table: string, values: Readonly<Record<string, unknown>>): Key;
    /** M11: by the columns `on`, which are a unique key of the table. Returns the key of the row, as far as it is known. */
    upsert(table: string, on: readonly string[], values: Readonly<Record<string, unknown>>): Key;
    update(table: string, given: Key, changes: Changes): void;
    delete(table: string, given: Key): void;
    /** C15: the same wish again, based on what the person sees now. */
    again(operation: Operation): void;
}
/** The key of a row in wire form, from what the application gives: one value, or an array of them. */
export declare function toKey(table: TableSchema, name: string, given: unknown): Key;
