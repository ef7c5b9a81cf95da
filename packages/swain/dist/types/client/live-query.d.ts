import type { ChangedRow } from "../engine/batch.js";
import type { Replica } from "../engine/replica.js";
import { type Row } from "../engine/schema.js";
import { type Selection } from "../engine/select.js";
import { type Watchable } from "./signal.js";
/** What queries look at. `version` of a table goes up by one with each step that changes it. */
export interface QuerySource {
    readonly replica: Replica | null;
    version(table: string): number;
    watch(live: Live): () => void;
    /** Resolves when this run has caught up with the server. */
    fresh(): Promise<void>;
}
/** Something on the screen that depends on a table. */
export interface Live {
    readonly table: string;
    /** A step changed these rows of its table; null: perhaps all. */
    refresh(rows: readonly ChangedRow[] | null): void;
}
/** The result of a query. A step of changes costs as much as it has rows, however large the table is. */
export declare class LiveQuery implements Live, Watchable<readonly Row[]> {
    #private;
    readonly table: string;
    constructor(source: QuerySource, table: string, selection: Selection);
    readonly subscribe: (call: () => void) => (() => void);
    readonly getSnapshot: () => readonly Row[];
    /** The rows, once this run has caught up with the server. */
    readonly fresh: () => Promise<readonly Row[]>;
    refresh(rows: readonly ChangedRow[] | null): void;
}
