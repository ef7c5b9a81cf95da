import { Pace } from "./pace.js";
import type { Replica } from "./replica.js";
import type { Input, Output, SessionStatus } from "./session-io.js";
import { type Shape } from "./shape.js";
export interface Reconnect {
    /** C8: the first wait. */
    readonly firstMs: number;
    /** So many attempts in a row without a welcome, and it waits for `resume` or `sync`. */
    readonly attemptsMax: number;
}
/**
 * The connection of one leader, without a socket:
 *
 *   idle ─start→ connecting ─opened→ greeting ─welcome→ open ─caught_up→ open (live)
 *     ↑            ↑ ↑                  │                │         given_up ←─ the attempts are used up
 *   pause          │ └──── rewriting ←──┴─ new device ───┤
 *                  └─timer, wake── waiting ←─ closed ────┤        stopped ←─ 4403, second 4401
 *                                     ↑── recovering ←───┘   resting: current; connects when due, or asked
 */
export declare class Session {
    #private;
    /** `random` gives numbers in [0, 1); with the same ones and the same inputs the outputs are the same. */
    constructor(replica: Replica, shapes: readonly Shape[], reconnect: Reconnect, random: () => number, pace?: Pace);
    get status(): SessionStatus;
    handle(now: number, input: Input): readonly Output[];
}
