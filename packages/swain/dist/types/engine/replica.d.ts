import { Aliases } from "./alias.js";
import { type Batch, type Change, type HeldRow, type Meta, type Stored } from "./batch.js";
import type { Entry } from "./entry.js";
import { HeldRows } from "./held-rows.js";
import { type Indexes } from "./index-rows.js";
import { type Json } from "./json.js";
import { Outbox } from "./outbox.js";
import { type Key, type Row } from "./schema.js";
export type RowState = "synced" | "pending" | "refused";
export interface VisibleRow {
    readonly key: Key;
    readonly keyText: string;
    readonly row: Row;
}
/**
 * The memory copy of one tab. C1: visible = confirmed + overlay, after every method.
 * Each method that changes something returns what changed in the visible rows.
 */
export declare class Replica {
    #private;
    readonly outbox: Outbox;
    readonly staging: HeldRows;
    readonly confirmed: HeldRows;
    constructor(stored: Stored, shapes: readonly string[], indexes?: Indexes);
    get meta(): Meta;
    /** C19: what keys stand for that this device proposed. */
    get aliases(): Aliases;
    /** The key of the row that a key means now. */
    resolve(table: string, key: Key): Key;
    /** Rows in storage that only shapes hold that the application no longer asks for. They go with the next cursor. */
    get orphans(): readonly HeldRow[];
    /** What the application asks for from now on; `rehydrate` follows. */
    setShapes(shapes: readonly string[]): void;
    /** Takes everything from storage again; mutations whose strict write is still running stay. */
    rehydrate(stored: Stored): Change;
    /** C3, C4: one step, whatever the batch holds. `number` is that of the write in storage. */
    apply(batch: Batch): Change;
    /** C2: visible at once. Also gives an unsaved mutation its n, and hears of other tabs' mutations. */
    putEntry(entry: Entry): Change;
    removeEntry(n: number): Change;
    /** The strict write failed. */
    removeUnsaved(uid: string): Change;
    /**
     * Takes mutations from storage that this tab did not hear of. A leader does not read the rest again:
     * what it has in memory may be ahead of storage.
     */
    mergeOutbox(stored: Pick<Stored, "meta" | "outbox">): Change;
    /** Remembers the number of the leader's write, so that a missing one is noticed. */
    noteNumber(number: number): void;
    row(table: string, key: string): Row | undefined;
    visible(table: string, key: string): VisibleRow | undefined;
    rows(table: string): Iterable<VisibleRow>;
    /** At least all rows that have these values. */
    candidates(table: string, equal: Readonly<Record<string, Json>>): Iterable<VisibleRow>;
    /** M3: which pending mutation the visible value of each column came from; "*" stands for the other columns. */
    writers(table: string, key: string): ReadonlyMap<string, Entry>;
    rowState(table: string, key: string): RowState;
}
