import type { HeldRow, RowWrite } from "./batch.js";
/** Rows by table and key text, each with the shapes that hold it: the confirmed rows (C5) or staging (C6). */
export declare class HeldRows {
    #private;
    constructor(rows?: readonly HeldRow[]);
    row(table: string, keyText: string): HeldRow | undefined;
    all(): IterableIterator<HeldRow>;
    get size(): number;
    put(held: HeldRow): void;
    remove(table: string, keyText: string): void;
    write(write: RowWrite): void;
    clear(): void;
}
/** Held rows with writes on top that nobody else sees yet: how a frame is worked out before it is applied. */
export declare class RowDraft {
    #private;
    constructor(base: HeldRows);
    row(table: string, keyText: string): HeldRow | undefined;
    /** C5: a row that no shape holds is gone. */
    put(held: HeldRow): void;
    remove(table: string, keyText: string): void;
    writes(): readonly RowWrite[];
}
