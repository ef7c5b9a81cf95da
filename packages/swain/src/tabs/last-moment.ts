import type { Entry } from "../engine/entry.js";
import type { Environment } from "../environment.js";
import type { Store } from "../store/store.js";

/**
 * C28: edits whose strict write was running when the page went. A browser that freezes the page lets no transaction
 * end, but localStorage takes a text at once; the next page of the store makes mutations of it, by their uids.
 */
export class LastMoment {
  readonly #storage: Environment["localStorage"];
  readonly #name: string;

  constructor(storage: Environment["localStorage"], store: string) {
    this.#storage = storage;
    this.#name = `swain:unsaved:${store}`;
  }

  keep(entries: readonly Entry[]): void {
    if (entries.length > 0) this.#write([...this.#read(), ...entries]);
  }

  /** They are in the store after all. */
  forget(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const uids = new Set(entries.map(({ uid }) => uid));
    this.#write(this.#read().filter(({ uid }) => !uids.has(uid)));
  }

  /** Returns whether the store has more than before. */
  async adopt(store: Store): Promise<boolean> {
    const entries = this.#read();
    for (const entry of entries) await store.append(entry);
    this.forget(entries);
    return entries.length > 0;
  }

  #read(): readonly Entry[] {
    try {
      return JSON.parse(this.#storage?.getItem(this.#name) ?? "[]") as readonly Entry[];
    } catch {
      return [];
    }
  }

  #write(entries: readonly Entry[]): void {
    try {
      if (entries.length === 0) this.#storage?.removeItem(this.#name);
      else this.#storage?.setItem(this.#name, JSON.stringify(entries));
    } catch {
      // Without room it is as it was: the transaction may still end.
    }
  }
}
