import { type Alias } from "./alias.js";
import type { Batch, HeldRow } from "./batch.js";
import { type Result } from "./entry.js";
import type { Moved, RowOp } from "./frame.js";
import { type HeldRows } from "./held-rows.js";
import type { Outbox } from "./outbox.js";
import type { Replica } from "./replica.js";
import { type Row } from "./schema.js";
/** Which shapes a connection talks about: the index in hello, by `shapeId`, and which of them are live. */
export interface Connected {
    readonly epoch: string;
    readonly shapes: readonly string[];
    readonly live: ReadonlySet<string>;
}
/** P7. Null: the device has diverged. */
export declare function changesBatch(replica: Replica, on: Connected, frame: Moved & {
    readonly rows: readonly RowOp[];
    readonly aliases: readonly Alias[];
}, now: number): Batch | null;
/** P25, C19: what is news of it, and what is forgotten for it. */
export declare function aliasBatch(replica: Replica, told: readonly Alias[]): Pick<Batch, "aliases">;
/** P8, P9: the cursor and acked. C5: what no shape holds any longer goes with it. */
export declare function movedBatch(replica: Replica, on: Connected, frame: Moved, now: number): Batch;
/** P5: a chunk of a load, as staged rows. */
export declare function loadPuts(replica: Replica, shape: string, table: string, rows: readonly Row[]): readonly HeldRow[];
/**
 * P5: the changes since the load began, over the staged rows.
 * A patch or remove of a row that is not staged says nothing: its chunk was read after that change.
 */
export declare function stageChanges(staging: HeldRows, on: Connected, rows: readonly RowOp[]): void;
/** P6: the staged rows of these shapes replace what these shapes held. */
export declare function loadEndBatch(replica: Replica, on: Connected, frame: Moved & {
    readonly shapes: readonly number[];
}, now: number): Batch;
/** P10: results drop nothing, but they are kept until acked says so. */
export declare function resultsBatch(replica: Replica, results: readonly Result[]): Batch;
/** P9, C4: only this drops an overlay. */
export declare function ackedBatch(replica: Replica, frameAcked: number, now: number): Batch;
/** The highest acknowledged n up to which every result is known: what hello says, so that none is lost. */
export declare function ackedWithResult(outbox: Outbox, acked: number): number;
export declare function shapesAt(on: Connected, indexes: readonly number[]): readonly string[];
