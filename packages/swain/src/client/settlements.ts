import type { Entry, Result } from "../engine/entry.js";
import type { Json } from "../engine/json.js";
import { SwainError } from "../error.js";

/** What a call that changes something returns. Nobody has to await anything of it. */
export interface Mutation {
  /** The number on this device, as soon as it is saved. */
  readonly n: number | undefined;
  /** C2: durable on this device. Rejects with `quota_exceeded` or `storage_failed`; then the change is undone. */
  readonly saved: Promise<void>;
  /** C4: acknowledged, and visible to everybody. Rejects with the server's code when it was refused. */
  readonly synced: Promise<Result>;
}

/** The promises of this tab's mutations, whatever tab pushes them. */
export class Settlements {
  readonly #waiting = new Map<string, { resolve(result: Result): void; reject(error: SwainError): void }>();

  mutation(uid: string, saving: Promise<Entry>): Mutation {
    let n: number | undefined;
    const synced = new Promise<Result>((resolve, reject) => this.#waiting.set(uid, { resolve, reject }));
    const saved = saving.then(
      (entry) => {
        n = entry.n ?? undefined;
      },
      (error: SwainError) => {
        this.#waiting.get(uid)?.reject(error);
        this.#waiting.delete(uid);
        throw error;
      },
    );
    // Not awaited by everybody; what went wrong is also in status and in the refused list.
    saved.catch(() => undefined);
    synced.catch(() => undefined);
    return {
      get n() {
        return n;
      },
      saved,
      synced,
    };
  }

  handle(entries: readonly Entry[]): void {
    for (const { uid, state } of entries) {
      const waiting = this.#waiting.get(uid);
      if (waiting === undefined || state.kind === "pending" || state.result === null) continue;
      this.#waiting.delete(uid);
      if (state.kind === "refused") waiting.reject(refusalOf(state.result));
      else waiting.resolve(state.result);
    }
  }
}

function refusalOf(result: Result): SwainError {
  const code = result.code ?? "refused";
  return new SwainError(code, `The server refused the change: ${code}.`, result.detail ?? (null as Json));
}
