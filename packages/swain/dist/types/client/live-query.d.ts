import type { Replica } from "../engine/replica.js";
import type { Row } from "../engine/schema.js";
import { type Selection } from "../engine/select.js";
import { type Watchable } from "./signal.js";
/** What queries look at. `version` of a table changes with its rows; the replica with the person. */
export interface QuerySource {
    readonly replica: Replica | null;
    version(table: string): number;
    watch(query: LiveQuery): () => void;
}
export declare class LiveQuery implements Watchable<readonly Row[]> {
    #private;
    readonly table: string;
    constructor(source: QuerySource, table: string, selection: Selection);
    readonly subscribe: (call: () => void) => (() => void);
    readonly getSnapshot: () => readonly Row[];
    /** Its table may have changed. */
    refresh(): void;
}
