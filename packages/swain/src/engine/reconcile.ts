import { type Alias, lostAbove } from "./alias.js";
import type { Entry } from "./entry.js";
import type { Replica } from "./replica.js";

export type Reconciled =
  | { readonly kind: "same" }
  /** The server was restored: these go out again, and `acked` is what it knows. */
  | {
      readonly kind: "reopen";
      readonly entries: readonly Entry[];
      readonly acked: number;
      readonly lost: readonly Alias[];
    }
  | { readonly kind: "new_device"; readonly lostAbove: number };

/** C10: what the highest n that the server knows says about this device. */
export function reconcile(replica: Replica, last: number): Reconciled {
  const { lastN, acked } = replica.meta;
  if (last > lastN) return { kind: "new_device", lostAbove: last };
  if (last >= acked) return { kind: "same" };
  const { lost, back } = lostAbove(replica.meta.schema, replica.aliases.all(), last);
  const entries: Entry[] = [];
  for (let n = last + 1; n <= lastN; n += 1) {
    const entry = replica.outbox.entry(n);
    if (entry === undefined) return { kind: "new_device", lostAbove: last };
    entries.push({ ...entry, ops: back(entry.ops), state: { kind: "pending", result: null } });
  }
  return { kind: "reopen", entries, acked: last, lost };
}
