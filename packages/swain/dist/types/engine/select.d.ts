import { type Json } from "./json.js";
import type { VisibleRow } from "./replica.js";
import { type Row } from "./schema.js";
export interface Selection {
    /** A predicate, or columns that must have these values. */
    readonly where?: ((row: Row) => boolean) | Readonly<Record<string, Json>>;
    readonly orderBy?: readonly (readonly [column: string, direction: "asc" | "desc"])[];
    readonly limit?: number;
}
/** The rows of a query in order; without `orderBy`, and between equals, in order of the key. */
export declare function select(rows: Iterable<VisibleRow>, selection: Selection): readonly Row[];
/** Null, then false, true, numbers (int64 as text is one), texts by UTF-16, and other JSON, which has no order. */
export declare function compareValues(a: Json, b: Json): number;
