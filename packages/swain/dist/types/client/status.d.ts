import { type Json } from "../engine/json.js";
import type { Operation } from "../engine/operation.js";
import type { TransportKind } from "../engine/picker.js";
import type { SyncState } from "../engine/session-io.js";
import type { Tab } from "../tabs/tab.js";
/** C12. */
export interface Status {
    readonly state: SyncState;
    /** `pause()` was called, in this tab or another of the same store. */
    readonly paused: boolean;
    /** True until this run has caught up with the server once: what is shown may be old. */
    readonly cached: boolean;
    /** Mutations that are not acknowledged yet. */
    readonly pending: number;
    /** Dead letters. */
    readonly refused: number;
    /** ms since 1970 by the device's clock; null: never. */
    readonly lastSynced: number | null;
    /** Rows of a load; total is an estimate. */
    readonly loading: {
        readonly done: number;
        readonly total: number;
    } | null;
    /** C17: what carries the connection; null: there is none. */
    readonly transport: TransportKind | null;
    /** Whether this tab holds the connection. */
    readonly leader: boolean;
    /** False: edits are gone with the page (private window, insecure context, no room). */
    readonly persistent: boolean;
    readonly problem: {
        readonly code: string;
        readonly title: string;
    } | null;
}
/** C15: a refused mutation. */
export interface DeadLetter {
    /** Names it in `retry` and `discard`. */
    readonly n: number;
    readonly ops: readonly Operation[];
    readonly code: string;
    /** What the server said: `message`, `at`, and the members of `constraint`. */
    readonly detail: Json;
    /** S17: which rule of the data was broken, if it was one. */
    readonly constraint: Constraint | null;
    /** When it was refused, ms since 1970 by the device's clock. */
    readonly at: number;
}
/** S17: a rule of the data, of the database's schema or of the configuration. */
export interface Constraint {
    readonly table: string;
    /** The columns that it is about; none when the database does not say. */
    readonly columns: readonly string[];
    /** A name or an expression of the schema, `NOT NULL`, `UNIQUE`, `REFERENCES owners (id)`, `max_length = 20`, a type. */
    readonly rule: string;
}
export declare const NO_STATUS: Status;
/** The same object as before when nothing changed. */
export declare function statusOf(tab: Tab, before: Status): Status;
export declare function deadLettersOf(tab: Tab, before: readonly DeadLetter[]): readonly DeadLetter[];
/** S17: the rule that a refusal's detail names. */
export declare function constraintOf(detail: Json): Constraint | null;
