import type { ChangedRow } from "../engine/batch.js";
import type { Row } from "../engine/schema.js";
import type { Live, QuerySource } from "./live-query.js";
import { type Watchable } from "./signal.js";
/** One row, whatever key it is known by; undefined when it is not here. */
export declare class LiveRow implements Live, Watchable<Row | undefined> {
    #private;
    readonly table: string;
    readonly getSnapshot: () => Row | undefined;
    constructor(source: Pick<QuerySource, "watch">, table: string, row: () => Row | undefined);
    readonly subscribe: (call: () => void) => (() => void);
    refresh(_rows: readonly ChangedRow[] | null): void;
}
