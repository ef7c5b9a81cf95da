import { type Json } from "../engine/json.js";
import type { Operation } from "../engine/operation.js";
import type { Row } from "../engine/schema.js";
import type { Mutation } from "./settlements.js";
import { type Watchable } from "./signal.js";
import { type Constraint, type DeadLetter } from "./status.js";
/** M15: where the inbox is, for a device that holds it. */
export declare const INBOX_TABLE = "swain_inbox";
export type InboxItem = Conflict | Refusal;
/** M15: a column that two people changed, each without knowing of the other. */
export interface Conflict {
    readonly kind: "conflict";
    readonly id: string;
    readonly table: string;
    readonly key: readonly Json[];
    readonly column: string;
    /** The value that both began with; null also when it is not known. */
    readonly base: Json;
    /** The value that waits, whose it is and when it was written (ms since 1970). */
    readonly mine: Json;
    readonly mineBy: string | null;
    readonly mineAt: number | null;
    /** The value that the row had; `theirsName` is what a program called itself. */
    readonly theirs: Json;
    readonly theirsBy: string | null;
    readonly theirsName: string | null;
    readonly theirsAt: number | null;
    /** A proposal; null when there is no sensible one. */
    readonly merged: Json;
    /** The strategy of the column. */
    readonly rule: string;
}
/** M16: what was refused, and what was refused because of it. */
export interface Refusal {
    readonly kind: "refusal";
    readonly id: string;
    /** In the order in which they were made. */
    readonly edits: readonly RefusedEdit[];
}
export interface RefusedEdit {
    /** Of the row of the inbox; null: only this device knows of it. */
    readonly id: string | null;
    readonly device: string;
    readonly n: number;
    readonly ops: readonly Operation[];
    readonly code: string;
    readonly message: string;
    readonly constraint: Constraint | null;
    readonly at: number;
}
/** What a person makes of a conflict: one of the values, or another one. */
export type Decision = "mine" | "theirs" | "merged" | {
    readonly value: unknown;
};
/** What the inbox needs from its client. */
export interface InboxSource {
    readonly rows: Watchable<readonly Row[]>;
    readonly refused: Watchable<readonly DeadLetter[]>;
    readonly device: string;
    group(change: () => void): Mutation;
    set(table: string, key: readonly Json[], values: Readonly<Record<string, unknown>>): void;
    again(ops: readonly Operation[]): void;
    discard(n: number): Promise<void>;
}
/** What waits for this person: on every device, when the client was made with `inbox: true`; else what this one knows. */
export declare class Inbox implements Watchable<readonly InboxItem[]> {
    #private;
    constructor(source: InboxSource);
    readonly subscribe: (call: () => void) => (() => void);
    /** The oldest first. */
    readonly getSnapshot: () => readonly InboxItem[];
    /** Everybody sees at once what this person chose. `synced` rejects with `already_resolved` when another was first. */
    resolve(id: string, decision: Decision): Mutation;
    /** The same wishes again, as one mutation, based on what is visible now; `edit` may change the operations. */
    retry(id: string, edit?: (ops: readonly Operation[]) => readonly Operation[]): Mutation;
    /** Gives what was refused up. Resolves when this device has it so. */
    discard(id: string): Promise<void>;
}
