import type { Locks } from "../environment.js";

/** C14: stands for the one leadership of a store, which is a Web Lock, so that it ends with the tab. */
export class Candidate {
  readonly #locks: Locks;
  readonly #name: string;
  readonly #lead: () => void;
  readonly #lost: () => void;
  #term: { readonly abort: AbortController; readonly release: () => void } | null = null;

  /** `lost` is called when another tab stole the lock. */
  constructor(locks: Locks, store: string, lead: () => void, lost: () => void) {
    this.#locks = locks;
    this.#name = `swain:${store}`;
    this.#lead = lead;
    this.#lost = lost;
  }

  /** Whether this tab stands or leads; false: it resigned, or the lock was stolen. */
  get stands(): boolean {
    return this.#term !== null;
  }

  /** Waits for the lock, or takes it from a leader that does not answer. */
  stand(how: "wait" | "steal"): void {
    this.resign();
    const abort = new AbortController();
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const term = { abort, release };
    this.#term = term;
    // The browser refuses a signal together with steal.
    const options = how === "steal" ? { steal: true } : { signal: abort.signal };
    const held = (): Promise<void> => {
      if (this.#term !== term) return Promise.resolve();
      this.#lead();
      return released;
    };
    this.#locks.request(this.#name, { mode: "exclusive", ...options }, held).catch(() => {
      // Aborted by resign(), or stolen.
      if (this.#term === term) this.#lost();
    });
  }

  resign(): void {
    const term = this.#term;
    this.#term = null;
    term?.release();
    term?.abort.abort();
  }
}
