import { type Operation } from "./operation.js";
import { type Key, type Schema, type TableSchema } from "./schema.js";
/** P25: a key that this device proposed, and that of the row that came of it. `to` equal to `from`: it stands for itself. */
export interface Alias {
    readonly n: number;
    readonly table: string;
    readonly from: Key;
    readonly to: Key;
}
/** A row of a table, by its key. */
export interface Place {
    readonly table: string;
    readonly key: Key;
}
/** C19: what this device remembers; beyond it the oldest go. */
export declare const ALIASES_MAX = 10000;
/** What keys stand for. Entries of the outbox are never rewritten, because they may have to be sent again. */
export declare class Aliases {
    #private;
    constructor(aliases?: readonly Alias[]);
    /** Learns an alias, or forgets one that is void. */
    put(alias: Alias): void;
    knows(alias: Alias): boolean;
    all(): readonly Alias[];
    /** Those that are too many, the oldest first. */
    surplus(): readonly Alias[];
    /** The key that a key stands for now; null: itself. */
    target({ table, key }: Place): Key | null;
    /** The key of the row that a person means, whichever they know. */
    key(schema: Schema | null, table: string, key: Key): Key;
    operations(schema: Schema | null, ops: readonly Operation[]): readonly Operation[];
}
/** C19: a restored server has lost what these mutations made, so their temporary keys are temporary again. */
export declare function lostAbove(schema: Schema | null, aliases: readonly Alias[], last: number): {
    readonly lost: readonly Alias[];
    readonly back: (ops: readonly Operation[]) => readonly Operation[];
};
/** M10: a key that was made up until the database gives one. */
export declare function isTemporary(table: TableSchema | undefined, key: Key): boolean;
export declare function placeName(table: string, key: Key): string;
export declare function voided({ n, table, from }: Alias): Alias;
/** The rows that operations name: their own, and those of their references, also in what values were. */
export declare function placesOf(schema: Schema | null, ops: readonly Operation[]): readonly Place[];
/** The same operation on the row of another key. */
export declare function withKey(operation: Operation, key: Key): Operation;
