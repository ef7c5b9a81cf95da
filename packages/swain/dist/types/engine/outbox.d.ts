import { type Entry } from "./entry.js";
import { type Operation } from "./operation.js";
/** C16: acknowledged entries stay for 24 h, and at most this many. */
export declare const KEPT_MS: number;
export declare const KEPT_MAX = 1000;
export type SavedEntry = Entry & {
    readonly n: number;
};
/** The mutations of this device in memory: saved ones by n, then those whose strict write is still running. */
export declare class Outbox {
    #private;
    /** `view`: how operations are looked at (C19); when it changes for an entry, `reindex` follows. */
    constructor(view?: (ops: readonly Operation[]) => readonly Operation[]);
    /** The operations as they are looked at. */
    ops(entry: Entry): readonly Operation[];
    pending(): readonly Entry[];
    reindex(entry: Entry): void;
    /** Replaces what had the same uid or the same n. */
    put(entry: Entry): void;
    remove(n: number): void;
    removeUnsaved(uid: string): void;
    /** Forgets what storage knows; what is being saved stays. */
    clearSaved(): void;
    entry(n: number): SavedEntry | undefined;
    knows(uid: string): boolean;
    unsaved(): readonly Entry[];
    /** Saved entries in order of n. */
    saved(): readonly SavedEntry[];
    get pendingCount(): number;
    refused(): readonly SavedEntry[];
    /** The pending mutations that touch a row, in the order of the overlay (C1). */
    pendingOn(table: string, key: string): readonly Entry[];
    /** C16: the numbers of acknowledged entries that need not be kept any longer. */
    expired(now: number): readonly number[];
}
