import { type Entry } from "./entry.js";
/**
 * C10: what the outbox becomes under a new device id.
 * Pending entries are numbered from 1; acknowledged ones that the server (restored to `last`) has lost go first.
 * Dead letters get negative numbers, so that no new mutation can meet theirs.
 */
export declare function renumbered(entries: readonly Entry[], isLost: (entry: Entry) => boolean): {
    readonly entries: readonly Entry[];
    readonly lastN: number;
};
