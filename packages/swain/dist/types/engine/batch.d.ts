import type { Alias } from "./alias.js";
import type { Entry } from "./entry.js";
import type { Json } from "./json.js";
import type { Key, Row, Schema } from "./schema.js";
/** A row and the shapes that hold it (C5), each shape by `shapeId`. */
export interface HeldRow {
    readonly table: string;
    readonly key: Key;
    readonly keyText: string;
    readonly row: Row;
    readonly in: readonly string[];
}
export type RowWrite = {
    readonly kind: "put";
    readonly held: HeldRow;
} | {
    readonly kind: "remove";
    readonly table: string;
    readonly keyText: string;
};
/** How far the device has got. */
export interface Mark {
    readonly cursor: string;
    readonly pos: number;
    readonly tag: Json;
    readonly epoch: string;
}
/**
 * What one frame changes, in absolute terms: memory, storage and other tabs apply the same batch.
 * C3: each of them applies it whole.
 */
export interface Batch {
    /** Null: the cursor is forgotten (divergence). */
    readonly mark?: Mark | null;
    readonly acked?: number;
    readonly rows?: readonly RowWrite[];
    readonly entries?: readonly Entry[];
    /** Numbers of entries that are no longer kept. */
    readonly gone?: readonly number[];
    readonly staging?: StagingWrite;
    /** P25. One whose two keys are the same is void. */
    readonly aliases?: readonly Alias[];
    readonly schema?: Schema;
    readonly offset?: number;
    readonly lastSynced?: number;
}
export interface StagingWrite {
    readonly clear: boolean;
    readonly puts: readonly HeldRow[];
    /** P5: the rows before this token are in staging. Undefined: as it was. */
    readonly token?: string | null;
}
/** C13: what one step changed in the visible rows. */
export interface Change {
    /** The position that was applied; null for a local edit before the first load. */
    readonly pos: number | null;
    readonly rows: readonly ChangedRow[];
    readonly origin: "local" | "server";
    /** C19: keys that stand for others from here on; each such row is in `rows` twice, gone and there. */
    readonly aliases: readonly Alias[];
}
export interface ChangedRow {
    readonly table: string;
    readonly key: Key;
    readonly before: Row | null;
    readonly after: Row | null;
}
/** What storage holds of the device. */
export interface Stored {
    readonly meta: Meta;
    readonly rows: readonly HeldRow[];
    readonly staging: readonly HeldRow[];
    readonly outbox: readonly Entry[];
    readonly aliases?: readonly Alias[];
}
export interface Meta {
    readonly device: string;
    /** The highest n that was ever given out under this device id. */
    readonly lastN: number;
    readonly acked: number;
    readonly mark: Mark | null;
    readonly schema: Schema | null;
    /** Server time minus device time, in ms. */
    readonly offset: number;
    readonly lastSynced: number | null;
    readonly loadToken: string | null;
    /** C14: which leader may write. */
    readonly generation: number;
    /** The running number of the leader's writes. */
    readonly number: number;
    /** C19: how many blocks of temporary ids were given out; a store of an older version has none. */
    readonly blocks?: number;
}
export declare function newMeta(device: string): Meta;
/** The part of a batch that goes into the meta record. */
export declare function metaAfter(meta: Meta, batch: Batch): Meta;
