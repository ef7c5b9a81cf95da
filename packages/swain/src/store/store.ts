import type { Batch, Stored } from "../engine/batch.js";
import type { Entry } from "../engine/entry.js";

/**
 * What a device keeps (one per server and user). Several tabs use one store at the same time.
 *
 * Every method is one transaction: whole or not at all, and after those that were called before.
 * Errors are StoreErrors; after `fenced` this tab is no longer the leader.
 */
export interface Store {
  /** False: what is written is gone with the page. */
  readonly isPersistent: boolean;

  /**
   * Everything; the first call makes the device id. `kept`: what a page has in memory, which comes back when somebody
   * emptied the store under it (C26).
   */
  read(kept?: Stored): Promise<Stored>;

  /** C19: the number of a block of temporary ids that nobody had before. */
  reserve(): Promise<number>;

  /** Only what edits are about. */
  readOutbox(): Promise<Pick<Stored, "meta" | "outbox">>;

  /** C2: gives the mutation its n; durable (strict) when this returns. Called twice with one uid, it stays one. */
  append(entry: Entry): Promise<Entry>;

  /** Takes a dead letter out of the outbox. */
  remove(n: number): Promise<void>;

  /** C14: raises the generation: every earlier leader is fenced. `number` is that of the last write. */
  lead(): Promise<Leadership>;

  /** C3: a frame, whole. Returns the running number of the write. */
  write(generation: number, batch: Batch): Promise<number>;

  /** C10: a new device id and the pending mutations numbered anew; see `renumbered` and `settled`. */
  rewrite(generation: number, device: string, lostAbove: number): Promise<void>;

  close(): void;
}

/** Also says whether the memory copy of the new leader is current. */
export interface Leadership {
  readonly generation: number;
  readonly number: number;
  readonly device: string;
  readonly lastN: number;
}

export type StoreErrorKind = "fenced" | "quota" | "newer" | "closed" | "emptied" | "failed";

export class StoreError extends Error {
  readonly kind: StoreErrorKind;

  constructor(kind: StoreErrorKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StoreError";
    this.kind = kind;
  }
}

/** C10: acknowledged by the history that the server no longer has. */
export function isLostAbove(entry: Entry, lostAbove: number): boolean {
  return entry.state.kind === "acked" && entry.n !== null && entry.n > lostAbove;
}
