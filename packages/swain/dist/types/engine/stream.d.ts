import { SwainError } from "../error.js";
import type { Frame, Problem, Welcome } from "./frame.js";
import type { Reconciled } from "./reconcile.js";
import type { Replica } from "./replica.js";
import type { Output, SessionStatus } from "./session-io.js";
import { type Shape } from "./shape.js";
export type StreamFrame = Exclude<Frame, {
    kind: "ignored" | "presence" | "problem" | "goaway" | "welcome";
}>;
/** What a frame means for the session around the stream. */
export type Verdict = {
    readonly kind: "go_on";
} | {
    readonly kind: "caught_up";
}
/** The server answered a push whole: what was wrong is over. */
 | {
    readonly kind: "answered";
} | {
    readonly kind: "pause";
    readonly problem: Problem | null;
}
/** The connection ends; the next one resumes. */
 | {
    readonly kind: "drop";
    readonly problem: Problem;
} | {
    readonly kind: "stop";
    readonly problem: Problem;
} | {
    readonly kind: "new_device";
    readonly lostAbove: number;
};
export interface StreamParts {
    readonly replica: Replica;
    readonly shapes: readonly Shape[];
    readonly delay: {
        readonly firstMs: number;
        readonly random: () => number;
    };
    /** Where effects go. */
    emit(output: Output): void;
}
/** One connection from welcome on: applies frames to the replica and pushes what is pending. */
export declare class Stream {
    #private;
    readonly since: number;
    /** P4. `decided`: what welcome.last said about this device. */
    constructor(now: number, parts: StreamParts, frame: Welcome, decided: Exclude<Reconciled, {
        kind: "new_device";
    }>);
    get isLive(): boolean;
    /** No push waits for its results. */
    get isIdle(): boolean;
    get loading(): SessionStatus["loading"];
    /** C8: when it is dead if not a byte comes. */
    deadAt(lastByte: number): number;
    /** Throws a SwainError when the server breaks the protocol. */
    handle(now: number, frame: StreamFrame): Verdict;
    /** Storage was read again. */
    handleHydrated(now: number): Verdict;
    /** C9. */
    pump(now: number): Verdict;
}
export declare function outOfPlace(kind: string): SwainError;
