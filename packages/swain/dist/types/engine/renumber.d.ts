import { type Alias } from "./alias.js";
import { type Entry } from "./entry.js";
import type { Operation } from "./operation.js";
import type { Schema } from "./schema.js";
/**
 * C10: what the outbox becomes under a new device id.
 * Pending entries are numbered from 1; acknowledged ones that the server (restored to `last`) has lost go first.
 * `settle`: under the new id the server knows no alias, so rows are named by their own keys (C19).
 * Dead letters get negative numbers, so that no new mutation can meet theirs.
 */
export declare function renumbered(entries: readonly Entry[], isLost: (entry: Entry) => boolean, settle?: (ops: readonly Operation[]) => readonly Operation[]): {
    readonly entries: readonly Entry[];
    readonly lastN: number;
};
/** C19: the aliases under a new device id, and how operations are named for it. */
export declare function settled(schema: Schema | null, aliases: readonly Alias[], last: number): {
    readonly aliases: readonly Alias[];
    readonly settle: (ops: readonly Operation[]) => readonly Operation[];
};
