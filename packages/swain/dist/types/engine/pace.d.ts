import type { Operation } from "./operation.js";
import type { Shape } from "./shape.js";
/** ms, for all tables or by table; a table that is not named has 0. Infinity: only when asked. */
export type ByTable = number | Readonly<Record<string, number>>;
/** C27: what an application says about how often it wants to hear and to speak. */
export interface PaceOptions {
    /** How old rows may get before the server is asked again; 0, the default: the connection stays. */
    readonly freshnessMs?: ByTable;
    /** How long an edit may wait for others to go with it; default 0: at once. */
    readonly throttleMs?: ByTable;
    /** Whether the connection stays while no tab of the store is seen. Default "connected". */
    readonly whileHidden?: "connected" | "resting";
}
/** A page that is hidden for shorter goes on: people switch between tabs. */
export declare const HIDDEN_MS = 30000;
export declare class Pace {
    #private;
    readonly restsHidden: boolean;
    constructor(options?: PaceOptions);
    /** One connection serves all shapes, so the most impatient table decides. */
    freshnessMs(shapes: readonly Shape[]): number;
    /** Edits go in order, so one that may not wait takes those before it along. */
    throttleMs(mutations: Iterable<{
        readonly ops: readonly Operation[];
    }>): number;
}
