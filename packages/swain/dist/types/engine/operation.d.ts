import { type Json } from "./json.js";
import { type Key, type Row, type TableSchema } from "./schema.js";
/** M1. A union by its one member, as on the wire. */
export type Operation = {
    readonly insert: Insert;
} | {
    readonly update: Update;
} | {
    readonly upsert: Upsert;
} | {
    readonly delete: Delete;
};
export interface Insert {
    readonly table: string;
    readonly key: Key;
    readonly set: Row;
}
export interface Update {
    readonly table: string;
    readonly key: Key;
    readonly set?: Row;
    readonly was?: Readonly<Record<string, Was>>;
    readonly inc?: Row;
    readonly add?: Readonly<Record<string, readonly Json[]>>;
    readonly remove?: Readonly<Record<string, readonly Json[]>>;
}
/** M11: the row with these values in the columns `on` is changed; when there is none, it is a new row under `key`. */
export interface Upsert {
    readonly table: string;
    readonly key: Key;
    readonly on: readonly string[];
    readonly set: Row;
    readonly was?: Readonly<Record<string, Was>>;
}
export interface Delete {
    readonly table: string;
    readonly key: Key;
    readonly seen?: string;
}
/** M3. `afterUid` stands for `after` on the device until the mutation it names has its number. */
export type Was = {
    readonly value: Json;
} | {
    readonly hash: string;
} | {
    readonly after: number;
    readonly value: Json;
} | {
    readonly afterUid: string;
    readonly value: Json;
};
/** What an operation is about. */
export declare function targetOf(operation: Operation): Insert | Update | Upsert | Delete;
/** The columns that an operation writes; null stands for all of them. */
export declare function columnsWritten(operation: Operation): readonly string[] | null;
/** M2: the row after the operation, null when there is none. Columns that the schema does not have are left out. */
export declare function applyOperation(row: Row | null, operation: Operation, table: TableSchema): Row | null;
