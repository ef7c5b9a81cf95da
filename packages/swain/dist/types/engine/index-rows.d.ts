import type { Json } from "./json.js";
import type { VisibleRow } from "./replica.js";
/** The columns of each table by which its visible rows are found without looking at all of them. */
export type Indexes = Readonly<Record<string, readonly string[]>>;
/** The visible rows of a table, by key and by the declared indexes. */
export declare class VisibleRows {
    #private;
    constructor(columns?: readonly string[]);
    get(keyText: string): VisibleRow | undefined;
    all(): IterableIterator<VisibleRow>;
    put(visible: VisibleRow): void;
    remove(keyText: string): void;
    /** At least all rows that have these values; as few as an index gives. */
    candidates(equal: Readonly<Record<string, Json>>): Iterable<VisibleRow>;
}
