import { type Alias } from "./alias.js";
import type { Entry } from "./entry.js";
import type { Replica } from "./replica.js";
export type Reconciled = {
    readonly kind: "same";
}
/** The server was restored: these go out again, and `acked` is what it knows. */
 | {
    readonly kind: "reopen";
    readonly entries: readonly Entry[];
    readonly acked: number;
    readonly lost: readonly Alias[];
} | {
    readonly kind: "new_device";
    readonly lostAbove: number;
};
/** C10: what the highest n that the server knows says about this device. */
export declare function reconcile(replica: Replica, last: number): Reconciled;
