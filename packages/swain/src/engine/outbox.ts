import { type Entry, isSaved } from "./entry.js";
import { type Operation, targetOf } from "./operation.js";
import { keyText } from "./schema.js";

/** C16: acknowledged entries stay for 24 h, and at most this many. */
export const KEPT_MS = 24 * 60 * 60 * 1000;
export const KEPT_MAX = 1000;

export type SavedEntry = Entry & { readonly n: number };

/** The mutations of this device in memory: saved ones by n, then those whose strict write is still running. */
export class Outbox {
  readonly #saved = new Map<number, SavedEntry>();
  readonly #unsaved = new Map<string, Entry>();
  /** Pending entries by row, in order of n. */
  readonly #byRow = new Map<string, Entry[]>();
  readonly #refused = new Map<number, SavedEntry>();
  /** The saved ones in order of n; null when it has to be made again. */
  #sorted: SavedEntry[] | null = [];
  /** The rows under which a pending entry is found. */
  readonly #indexed = new Map<Entry, ReadonlySet<string>>();
  readonly #view: (ops: readonly Operation[]) => readonly Operation[];
  #pending = 0;

  /** `view`: how operations are looked at (C19); when it changes for an entry, `reindex` follows. */
  constructor(view: (ops: readonly Operation[]) => readonly Operation[] = (ops) => ops) {
    this.#view = view;
  }

  /** The operations as they are looked at. */
  ops(entry: Entry): readonly Operation[] {
    return this.#view(entry.ops);
  }

  pending(): readonly Entry[] {
    return [...this.#indexed.keys()];
  }

  reindex(entry: Entry): void {
    if (!this.#indexed.has(entry)) return;
    this.#unindex(entry);
    this.#index(entry);
  }

  /** Replaces what had the same uid or the same n. */
  put(entry: Entry): void {
    const unsaved = this.#unsaved.get(entry.uid);
    if (unsaved !== undefined) this.#drop(unsaved);
    if (isSaved(entry)) {
      this.remove(entry.n);
      this.#saved.set(entry.n, entry);
      if (entry.state.kind === "refused") this.#refused.set(entry.n, entry);
      this.#append(entry);
    } else {
      this.#unsaved.set(entry.uid, entry);
    }
    if (entry.state.kind === "pending") this.#index(entry);
  }

  remove(n: number): void {
    const entry = this.#saved.get(n);
    if (entry !== undefined) this.#drop(entry);
  }

  removeUnsaved(uid: string): void {
    const entry = this.#unsaved.get(uid);
    if (entry !== undefined) this.#drop(entry);
  }

  /** Forgets what storage knows; what is being saved stays. */
  clearSaved(): void {
    for (const entry of [...this.#saved.values()]) this.#drop(entry);
  }

  entry(n: number): SavedEntry | undefined {
    return this.#saved.get(n);
  }

  knows(uid: string): boolean {
    return this.#unsaved.has(uid) || this.saved().some((entry) => entry.uid === uid);
  }

  unsaved(): readonly Entry[] {
    return [...this.#unsaved.values()];
  }

  /** Saved entries in order of n. */
  saved(): readonly SavedEntry[] {
    this.#sorted ??= [...this.#saved.values()].sort((a, b) => a.n - b.n);
    return this.#sorted;
  }

  get pendingCount(): number {
    return this.#pending;
  }

  refused(): readonly SavedEntry[] {
    return [...this.#refused.values()].sort((a, b) => a.n - b.n);
  }

  /** The pending mutations that touch a row, in the order of the overlay (C1). */
  pendingOn(table: string, key: string): readonly Entry[] {
    return this.#byRow.get(rowName(table, key)) ?? [];
  }

  /** C16: the numbers of acknowledged entries that need not be kept any longer. */
  expired(now: number): readonly number[] {
    const acked = this.saved().filter((entry) => entry.state.kind === "acked");
    const surplus = acked.length - KEPT_MAX;
    return acked
      .filter((entry, i) => i < surplus || (entry.state.kind === "acked" && entry.state.at <= now - KEPT_MS))
      .map((entry) => entry.n);
  }

  /** Thousands of offline edits come in order; sorting for each of them would be felt. */
  #append(entry: SavedEntry): void {
    const last = this.#sorted?.at(-1);
    if (this.#sorted !== null && (last === undefined || last.n < entry.n)) this.#sorted = [...this.#sorted, entry];
    else this.#sorted = null;
  }

  #index(entry: Entry): void {
    this.#pending += 1;
    const names = rowsOf(this.ops(entry));
    this.#indexed.set(entry, names);
    for (const row of names) {
      const entries = this.#byRow.get(row) ?? [];
      entries.push(entry);
      entries.sort((a, b) => (a.n ?? Number.POSITIVE_INFINITY) - (b.n ?? Number.POSITIVE_INFINITY) || 0);
      this.#byRow.set(row, entries);
    }
  }

  #drop(entry: Entry): void {
    if (isSaved(entry)) {
      this.#saved.delete(entry.n);
      this.#refused.delete(entry.n);
      this.#sorted = null;
    } else {
      this.#unsaved.delete(entry.uid);
    }
    this.#unindex(entry);
  }

  #unindex(entry: Entry): void {
    const names = this.#indexed.get(entry);
    if (names === undefined) return;
    this.#pending -= 1;
    this.#indexed.delete(entry);
    for (const row of names) {
      const left = (this.#byRow.get(row) ?? []).filter((other) => other !== entry);
      if (left.length === 0) this.#byRow.delete(row);
      else this.#byRow.set(row, left);
    }
  }
}

function rowsOf(ops: readonly Operation[]): ReadonlySet<string> {
  return new Set(
    ops.map((operation) => {
      const { table, key } = targetOf(operation);
      return rowName(table, keyText(key));
    }),
  );
}

function rowName(table: string, key: string): string {
  return `${table}\u0000${key}`;
}
