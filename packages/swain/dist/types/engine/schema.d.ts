import type { Json } from "./json.js";
/** V8. Members that this client does not know are ignored. */
export interface Schema {
    readonly version: number;
    readonly tables: Readonly<Record<string, TableSchema>>;
}
export interface TableSchema {
    readonly columns: Readonly<Record<string, ColumnSchema>>;
    readonly key: readonly string[];
    /** "server": the database gives ids to new rows, and a device uses negative ones until it knows (M10). */
    readonly ids?: string;
    /** Unique keys besides the primary one, on which an upsert may find a row (M11). */
    readonly unique?: readonly (readonly string[])[];
    readonly references?: readonly Reference[];
}
/** M10: columns that hold the key of a row of a table, in the order of its key. */
export interface Reference {
    readonly columns: readonly string[];
    readonly table: string;
}
export interface ColumnSchema {
    /** One of V1; kept as text, because a newer server may know more. */
    readonly type: string;
    readonly null?: boolean;
    readonly default?: boolean;
    readonly readonly?: boolean;
    /** M3: its `was` travels whole, however long. */
    readonly whole?: boolean;
}
/** V6: complete, from column name to value. */
export type Row = Readonly<Record<string, Json>>;
/** V5: the values of the key columns, in key order. */
export type Key = readonly Json[];
/** V5: the identity of a row within its table. */
export declare function keyText(key: Key): string;
export declare function keyOf(row: Row, table: TableSchema): Key;
export declare function tableOf(schema: Schema | null, name: string): TableSchema;
export declare function columnOf(table: TableSchema, name: string, place: string): ColumnSchema;
export declare const INT64_MIN: bigint;
export declare const INT64_MAX: bigint;
/**
 * V1: the wire form of a value that the application gives for a column.
 * Beside JSON it takes a bigint for int64, Infinity for float64 and a Uint8Array for bytes.
 */
export declare function toWire(value: unknown, column: ColumnSchema, place: string): Json;
/** The wire form of an integer, or null when it is not an int64. */
export declare function bigintToWire(value: bigint): Json;
/** The integer that a wire value stands for, or null when it is none. */
export declare function wireToBigint(value: Json): bigint | null;
