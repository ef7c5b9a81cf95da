import type { Batch, Change } from "./batch.js";
import type { JsonObject } from "./json.js";

export type Timer = "reconnect" | "watchdog" | "push" | "results" | "token" | "hidden";

/** Dead: it was silent, or what came makes no sense. The device did not want it to end. */
export type CloseCause = "left" | "dead";

export type Input =
  | { readonly kind: "start" }
  /** The socket of the last `connect` is open. */
  | { readonly kind: "opened"; readonly token: string | null }
  | { readonly kind: "frame"; readonly text: string }
  /** The socket is gone, or never came to be (1006). */
  | { readonly kind: "closed"; readonly code: number }
  /** The server does not give this person a token any longer. */
  | { readonly kind: "signed_out"; readonly code: string; readonly title: string }
  | { readonly kind: "timer"; readonly timer: Timer }
  /** C8: online, visible or shown again. */
  | { readonly kind: "wake" }
  /** C27: no tab of the store is seen any longer, as far as this one knows. */
  | { readonly kind: "hidden" }
  /** A saved mutation, of this tab or another, was put into the replica. */
  | { readonly kind: "saved" }
  | { readonly kind: "token"; readonly token: string }
  /** P28: where somebody is; lost while there is no stream. */
  | { readonly kind: "say"; readonly body: JsonObject }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "sync"; readonly id: string }
  /** The replica was read from storage again: after `rewrite`, `reread` or a failed write. */
  | { readonly kind: "hydrated" }
  | { readonly kind: "storage_failed"; readonly code: string; readonly title: string };

export type Output =
  /** Get a token (`fresh`: a new one), open a socket, answer `opened` or `closed`. */
  | { readonly kind: "connect"; readonly fresh: boolean }
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "close"; readonly code: number; readonly cause: CloseCause }
  /** Memory has it; write it, then tell the other tabs. `moved`: a position was applied. */
  | { readonly kind: "persist"; readonly batch: Batch; readonly change: Change; readonly moved: boolean }
  /** C10: a new device id, in storage; entries above `lostAbove` that were acknowledged go out again. */
  | { readonly kind: "rewrite"; readonly lostAbove: number }
  /** An entry of the outbox is not in memory: read the outbox from storage. */
  | { readonly kind: "reread" }
  /** Null stops the timer. */
  | { readonly kind: "timer"; readonly timer: Timer; readonly at: number | null }
  /** P28: of others. */
  | { readonly kind: "heard"; readonly body: JsonObject }
  /** Get a fresh token, answer `token`. */
  | { readonly kind: "token" }
  | { readonly kind: "synced"; readonly id: string; readonly error: string | null };

/** Resting (C27): everything is current as of the last look, and the next one is planned or waits to be asked for. */
export type SyncState = "offline" | "connecting" | "syncing" | "live" | "resting" | "stopped";

export interface SessionStatus {
  readonly state: SyncState;
  /** C12: true until the first caught_up of this run. */
  readonly cached: boolean;
  readonly loading: { readonly done: number; readonly total: number } | null;
  readonly problem: { readonly code: string; readonly title: string } | null;
  readonly paused: boolean;
}
