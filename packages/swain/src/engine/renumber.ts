import { type Entry, isSaved, resolveAfter } from "./entry.js";

/**
 * C10: what the outbox becomes under a new device id.
 * Pending entries are numbered from 1; acknowledged ones that the server (restored to `last`) has lost go first.
 * Dead letters get negative numbers, so that no new mutation can meet theirs.
 */
export function renumbered(
  entries: readonly Entry[],
  isLost: (entry: Entry) => boolean,
): { readonly entries: readonly Entry[]; readonly lastN: number } {
  const saved = entries.filter(isSaved).sort((a, b) => a.n - b.n);
  const kept = saved.filter((entry) => entry.state.kind === "pending" || isLost(entry));
  const numbers = new Map(kept.map((entry, i) => [entry.n, i + 1]));
  const alive = kept.map(
    (entry, i): Entry => ({
      ...entry,
      n: i + 1,
      ops: resolveAfter(entry.ops, (was) => ("after" in was ? (numbers.get(was.after) ?? null) : null)),
      state: { kind: "pending", result: null },
    }),
  );
  const dead = saved
    .filter((entry) => entry.state.kind === "refused")
    .map((entry, i): Entry => ({ ...entry, n: -(i + 1) }));
  return { entries: [...dead, ...alive], lastN: alive.length };
}
