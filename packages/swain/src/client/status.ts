import type { Json } from "../engine/json.js";
import type { Operation } from "../engine/operation.js";
import type { TransportKind } from "../engine/picker.js";
import type { SyncState } from "../engine/session-io.js";
import type { Tab } from "../tabs/tab.js";

/** C12. */
export interface Status {
  readonly state: SyncState;
  /** `pause()` was called, in this tab or another of the same store. */
  readonly paused: boolean;
  /** True until this run has caught up with the server once: what is shown may be old. */
  readonly cached: boolean;
  /** Mutations that are not acknowledged yet. */
  readonly pending: number;
  /** Dead letters. */
  readonly refused: number;
  /** ms since 1970 by the device's clock; null: never. */
  readonly lastSynced: number | null;
  /** Rows of a load; total is an estimate. */
  readonly loading: { readonly done: number; readonly total: number } | null;
  /** C17: what carries the connection; null: there is none. */
  readonly transport: TransportKind | null;
  /** Whether this tab holds the connection. */
  readonly leader: boolean;
  /** False: edits are gone with the page (private window, insecure context, no room). */
  readonly persistent: boolean;
  readonly problem: { readonly code: string; readonly title: string } | null;
}

/** C15: a refused mutation. */
export interface DeadLetter {
  /** Names it in `retry` and `discard`. */
  readonly n: number;
  readonly ops: readonly Operation[];
  readonly code: string;
  readonly detail: Json;
  /** When it was refused, ms since 1970 by the device's clock. */
  readonly at: number;
}

export const NO_STATUS: Status = {
  state: "offline",
  paused: false,
  cached: true,
  pending: 0,
  refused: 0,
  lastSynced: null,
  loading: null,
  transport: null,
  leader: false,
  persistent: false,
  problem: null,
};

/** The same object as before when nothing changed. */
export function statusOf(tab: Tab, before: Status): Status {
  const { state, paused, cached, loading, transport, problem } = tab.status;
  const status: Status = {
    state,
    paused,
    cached,
    pending: tab.replica.outbox.pendingCount,
    refused: tab.replica.outbox.refused().length,
    lastSynced: tab.replica.meta.lastSynced,
    loading,
    transport,
    leader: tab.isLeader,
    persistent: tab.isPersistent,
    problem,
  };
  return JSON.stringify(status) === JSON.stringify(before) ? before : status;
}

export function deadLettersOf(tab: Tab, before: readonly DeadLetter[]): readonly DeadLetter[] {
  const letters = tab.replica.outbox.refused().flatMap(({ n, ops, state }): DeadLetter[] => {
    if (state.kind !== "refused") return [];
    const { code = "refused", detail = null } = state.result;
    return [{ n, ops, code, detail, at: state.at }];
  });
  return JSON.stringify(letters) === JSON.stringify(before) ? before : letters;
}
