import { type Json } from "./json.js";
import type { VisibleRow } from "./replica.js";
import { type Row } from "./schema.js";
export interface Selection {
    /** A predicate, or columns that must have these values. */
    readonly where?: ((row: Row) => boolean) | Readonly<Record<string, Json>>;
    readonly orderBy?: readonly (readonly [column: string, direction: "asc" | "desc"])[];
    readonly limit?: number;
}
/** Which rows, and in which order: without `orderBy`, and between equals, that of the key. */
export declare class Selector {
    #private;
    readonly selection: Selection;
    readonly matches: (row: Row) => boolean;
    /** Columns that must have these values, for an index; none when a predicate decides. */
    readonly equal: Readonly<Record<string, Json>>;
    constructor(selection: Selection);
    select(rows: Iterable<VisibleRow>): VisibleRow[];
    /** The limit cuts only what is shown. */
    shown(found: readonly VisibleRow[]): readonly Row[];
    /** Where a row stands in an ordered list, or is to be put. */
    place(rows: readonly VisibleRow[], wanted: VisibleRow): number;
}
/** Null, then false, true, numbers (int64 as text is one), texts by UTF-16, and other JSON, which has no order. */
export declare function compareValues(a: Json, b: Json): number;
