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
} | {
    readonly kind: "gap";
    readonly last: number;
} | {
    readonly kind: "new_device";
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
    next(now: number, outbox: Outbox, lastN: number): Next;
    /** P10. What was not attempted is sent again; a problem that is not understood is taken for a transient one. */
    handleResults(now: number, results: readonly Result[], problem: Problem | null, delay: {
        readonly firstMs: number;
        readonly random: () => number;
    }): Verdict;
    /** The server expects `last + 1` next. */
    restartAt(last: number): void;
}
