import { type Result } from "./entry.js";
import type { Limits, Problem } from "./frame.js";
import type { Json } from "./json.js";
import type { Outbox } from "./outbox.js";
/** What a results frame means for the pushes of this connection. */
export type Verdict = {
    readonly kind: "go_on";
} | {
    readonly kind: "pause";
    readonly until: number;
} | Decided;
/** The problems that another attempt on this connection does not end. */
type Decided = {
    readonly kind: "new_device";
}
/** The welcome of the next connection says where to go on. */
 | {
    readonly kind: "drop";
    readonly problem: Problem;
} | {
    readonly kind: "stop";
    readonly problem: Problem;
};
export type Next = {
    readonly kind: "nothing";
} | {
    readonly kind: "send";
    readonly mutations: readonly Json[];
}
/** An entry that must go first is not in memory. */
 | {
    readonly kind: "hole";
};
/** C9: at once when nothing is in flight, at most so many; the next push after the results of the last. */
export declare class Push {
    #private;
    constructor(last: number, limits: Limits);
    /** Nothing waits for its results. */
    get isIdle(): boolean;
    next(now: number, outbox: Outbox, lastN: number): Next;
    /** P10. What was not attempted is sent again; a problem that is not known by name is taken for a transient one. */
    handleResults(now: number, results: readonly Result[], problem: Problem | null, delay: {
        readonly firstMs: number;
        readonly random: () => number;
    }): Verdict;
}
/** P19: results that take longer do not come any more. */
export declare const RESULTS_MS = 30000;
export {};
