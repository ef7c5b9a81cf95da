import type { Json, JsonObject } from "./json.js";
import type { Operation, Was } from "./operation.js";
/** A mutation in the outbox of this device. */
export interface Entry {
    /** Made by the tab; stays the same when the device id and with it `n` change. */
    readonly uid: string;
    /** Null until the strict write. Negative: a dead letter from before a change of the device id. */
    readonly n: number | null;
    readonly base: number;
    /** Device time plus measured offset, in ms; frozen, because a mutation is sent with the same content for ever. */
    readonly at: number;
    readonly schema: number;
    readonly ops: readonly Operation[];
    readonly state: EntryState;
}
export type EntryState = {
    readonly kind: "pending";
    readonly result: Result | null;
}
/** The overlay is dropped; the entry is kept for a restored server (C10, C16). */
 | {
    readonly kind: "acked";
    readonly result: Result | null;
    readonly at: number;
}
/** C15: a dead letter. */
 | {
    readonly kind: "refused";
    readonly result: Result;
    readonly at: number;
};
/** P10: what became of a mutation. */
export interface Result {
    readonly n: number;
    readonly status: string;
    readonly code?: string;
    readonly detail?: Json;
    readonly lost?: Json;
}
/** P2: the wire form. */
export declare function entryToWire(entry: Entry & {
    readonly n: number;
}): JsonObject;
export declare function isSaved(entry: Entry): entry is Entry & {
    readonly n: number;
};
export declare function withResult(entry: Entry, result: Result): Entry;
export declare function acknowledged(entry: Entry, now: number): Entry;
/** M3: gives `after` the number of the mutation it names; one that is no longer on its way is a plain value. */
export declare function resolveAfter(ops: readonly Operation[], numberOf: (was: {
    afterUid: string;
} | {
    after: number;
}) => number | null): readonly Operation[];
/** M3: what the values of an operation were based on. */
export declare function wasOf(operation: Operation): Readonly<Record<string, Was>> | undefined;
