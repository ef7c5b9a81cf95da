import type { Json, JsonObject } from "./json.js";
import type { Operation, Was } from "./operation.js";

/** A mutation in the outbox of this device. */
export interface Entry {
  /** Made by the tab; stays the same when the device id and with it `n` change. */
  readonly uid: string;
  /** Null until the strict write. Negative: a dead letter from before a change of the device id. */
  readonly n: number | null;
  readonly base: number;
  /** Device time plus measured offset, in ms; frozen, because a mutation is sent with the same content for ever. */
  readonly at: number;
  readonly schema: number;
  readonly ops: readonly Operation[];
  readonly state: EntryState;
}

export type EntryState =
  | { readonly kind: "pending"; readonly result: Result | null }
  /** The overlay is dropped; the entry is kept for a restored server (C10, C16). */
  | { readonly kind: "acked"; readonly result: Result | null; readonly at: number }
  /** C15: a dead letter. */
  | { readonly kind: "refused"; readonly result: Result; readonly at: number };

/** P10: what became of a mutation. */
export interface Result {
  readonly n: number;
  readonly status: string;
  readonly code?: string;
  readonly detail?: Json;
  readonly lost?: Json;
}

/** P2: the wire form. */
export function entryToWire(entry: Entry & { readonly n: number }): JsonObject {
  const { n, base, at, schema, ops } = entry;
  return { n, base, at, schema, ops: ops as unknown as Json };
}

export function isSaved(entry: Entry): entry is Entry & { readonly n: number } {
  return entry.n !== null;
}

export function withResult(entry: Entry, result: Result): Entry {
  switch (entry.state.kind) {
    case "pending":
      return { ...entry, state: { kind: "pending", result } };
    case "acked":
      return { ...entry, state: settled(result, entry.state.at) };
    case "refused":
      return entry;
    default:
      return entry.state satisfies never;
  }
}

export function acknowledged(entry: Entry, now: number): Entry {
  if (entry.state.kind !== "pending") return entry;
  return { ...entry, state: settled(entry.state.result, now) };
}

/** M3: gives `after` the number of the mutation it names; one that is no longer on its way is a plain value. */
export function resolveAfter(
  ops: readonly Operation[],
  numberOf: (was: { afterUid: string } | { after: number }) => number | null,
): readonly Operation[] {
  const resolve = (all: Readonly<Record<string, Was>>): Readonly<Record<string, Was>> => {
    const was = Object.entries(all).map(([column, seen]): [string, Was] => {
      if (!("afterUid" in seen) && !("after" in seen)) return [column, seen];
      const after = numberOf(seen);
      return [column, after === null ? { value: seen.value } : { after, value: seen.value }];
    });
    return Object.fromEntries(was);
  };
  return ops.map((operation) => {
    const was = wasOf(operation);
    if (was === undefined) return operation;
    if ("upsert" in operation) return { upsert: { ...operation.upsert, was: resolve(was) } };
    return "update" in operation ? { update: { ...operation.update, was: resolve(was) } } : operation;
  });
}

/** M3: what the values of an operation were based on. */
export function wasOf(operation: Operation): Readonly<Record<string, Was>> | undefined {
  if ("upsert" in operation) return operation.upsert.was;
  return "update" in operation ? operation.update.was : undefined;
}

function settled(result: Result | null, at: number): EntryState {
  if (result?.status === "refused") return { kind: "refused", result, at };
  return { kind: "acked", result, at };
}
