import type { Changes, Draft } from "../engine/draft.js";
import { type Json } from "../engine/json.js";
import type { Replica } from "../engine/replica.js";
import { type Row } from "../engine/schema.js";
import type { Mutation } from "./settlements.js";
/** A key: the value of the key column, or the values in key order. */
export type KeyInput = string | number | bigint | boolean | readonly unknown[];
/** What a table needs from its client. */
export interface Editing {
    replica(): Replica;
    edit(change: (draft: Draft) => void): Mutation;
    /** The draft of the group that is running. */
    readonly draft: Draft | null;
}
/** Reading and changing one table. Every change is visible when the call returns. */
export declare class Table<T extends object = Row> {
    #private;
    constructor(name: string, editing: Editing);
    /**
     * A missing key column of type text gets a UUIDv7. In a table whose ids the server gives, a missing key becomes a
     * temporary, negative one, which goes on naming the row when the real one is known.
     * Throws `id_taken`, `unknown_column`, `wrong_type`, …
     */
    insert(row: Partial<T>): Inserted;
    /**
     * By a unique key of the table: changes the row that has these values in the columns `on`, here or on the server, or
     * makes a new one. Throws `not_unique`, `unknown_column`, `wrong_type`, …
     */
    upsert(on: readonly (keyof T & string)[], row: Partial<T>): Inserted;
    /** The key by which a row is known now: of a temporary key, the real one as soon as there is one. */
    resolve(key: KeyInput): KeyValue;
    /**
     * Sets columns, or `{ set, inc, add, remove }` by column. Throws `row_gone` when the row is not here.
     * A table that has columns of just these names takes `{ set: … }` only.
     */
    update(key: KeyInput, changes: Partial<T> | Changes): Mutation;
    delete(key: KeyInput): Mutation;
    /** The visible row; inside a group as the operations before left it. */
    get(key: KeyInput): T | undefined;
}
/** A key as the application gives it: the value of the key column, or the values in key order. */
export type KeyValue = string | number | boolean | readonly Json[];
/** A mutation that made a row. */
export interface Inserted extends Mutation {
    /** At once, also inside a group. A temporary one goes on naming the row. */
    readonly key: KeyValue;
}
