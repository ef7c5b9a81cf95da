import { type Alias, Aliases, lostAbove } from "./alias.js";
import { type Entry, isSaved, resolveAfter } from "./entry.js";
import type { Operation } from "./operation.js";
import type { Schema } from "./schema.js";

/**
 * C10: what the outbox becomes under a new device id.
 * Pending entries are numbered from 1; acknowledged ones that the server (restored to `last`) has lost go first.
 * `settle`: under the new id the server knows no alias, so rows are named by their own keys (C19).
 * Dead letters get negative numbers, so that no new mutation can meet theirs.
 */
export function renumbered(
  entries: readonly Entry[],
  isLost: (entry: Entry) => boolean,
  settle: (ops: readonly Operation[]) => readonly Operation[] = (ops) => ops,
): { readonly entries: readonly Entry[]; readonly lastN: number } {
  const saved = entries.filter(isSaved).sort((a, b) => a.n - b.n);
  const kept = saved.filter((entry) => entry.state.kind === "pending" || isLost(entry));
  const numbers = new Map(kept.map((entry, i) => [entry.n, i + 1]));
  const alive = kept.map(
    (entry, i): Entry => ({
      ...entry,
      n: i + 1,
      ops: resolveAfter(settle(entry.ops), (was) => ("after" in was ? (numbers.get(was.after) ?? null) : null)),
      state: { kind: "pending", result: null },
    }),
  );
  const dead = saved
    .filter((entry) => entry.state.kind === "refused")
    .map((entry, i): Entry => ({ ...entry, n: -(i + 1) }));
  return { entries: [...dead, ...alive], lastN: alive.length };
}

/** C19: the aliases under a new device id, and how operations are named for it. */
export function settled(
  schema: Schema | null,
  aliases: readonly Alias[],
  last: number,
): { readonly aliases: readonly Alias[]; readonly settle: (ops: readonly Operation[]) => readonly Operation[] } {
  const { back } = lostAbove(schema, aliases, last);
  const kept = aliases.filter((alias) => alias.n <= last);
  const known = new Aliases(kept);
  return {
    aliases: kept.map((alias) => ({ ...alias, n: 0 })),
    settle: (ops) => known.operations(schema, back(ops)),
  };
}
