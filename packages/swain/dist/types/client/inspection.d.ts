import type { Entry } from "../engine/entry.js";
import type { Replica } from "../engine/replica.js";
import { type Shape } from "../engine/shape.js";
/** What a developer's panel sees of a client; made when it is asked for, so that it costs nothing otherwise. */
export interface Inspection {
    readonly device: string;
    /** Null: nothing was applied yet. */
    readonly mark: {
        readonly pos: number;
        readonly epoch: string;
        readonly cursor: string;
    } | null;
    /** The highest n that is acknowledged. */
    readonly acked: number;
    readonly schema: number | null;
    readonly shapes: readonly InspectedShape[];
    /** The newest first, at most 100. */
    readonly outbox: readonly Entry[];
}
export interface InspectedShape {
    readonly shape: Shape;
    /** Confirmed rows that it holds. */
    readonly rows: number;
    /** Rows of a load that has not ended. */
    readonly staged: number;
}
export declare function inspect(replica: Replica, shapes: readonly Shape[]): Inspection;
