import type { Batch } from "../engine/batch.js";
import type { Entry } from "../engine/entry.js";
import type { JsonObject } from "../engine/json.js";
import type { TransportKind } from "../engine/picker.js";
import type { SessionStatus } from "../engine/session-io.js";
import type { Shape } from "../engine/shape.js";

/** What a leader says of its connection. */
export interface LinkStatus extends SessionStatus {
  /** In use, from the welcome on. */
  readonly transport: TransportKind | null;
}

/** What tabs of one store tell each other. All of them run the same origin's code; the type is trusted. */
export type Message =
  /** The leader's write `number` is in storage. */
  | { readonly kind: "batch"; readonly number: number; readonly batch: Batch }
  /** Storage changed in a way that is not told piece by piece. */
  | { readonly kind: "reread" }
  /** A tab saved a mutation under this device id. */
  | { readonly kind: "mutation"; readonly device: string; readonly entry: Entry }
  | { readonly kind: "removed"; readonly n: number }
  | ({ readonly kind: "status"; readonly status: LinkStatus } & Known)
  /** To the leader: say your status. */
  | ({ readonly kind: "ask" } & Known)
  | { readonly kind: "sync"; readonly id: string }
  | { readonly kind: "synced"; readonly id: string; readonly error: string | null }
  | { readonly kind: "switch"; readonly to: "pause" | "resume" | "wake" | "hidden" }
  /** P28: to the leader, and from it. */
  | { readonly kind: "say"; readonly body: JsonObject }
  | { readonly kind: "heard"; readonly body: JsonObject }
  /** C25: what the store holds from now on. */
  | { readonly kind: "shapes"; readonly shapes: readonly Shape[] };

/** What the sender has. Who has less has missed a message, and reads storage; also the last one may be missing. */
export interface Known {
  readonly device: string;
  readonly lastN: number;
  readonly number: number;
}

/** A batch with more rows is not sent; the others read storage. */
export const BATCH_ROWS_MAX = 2000;
