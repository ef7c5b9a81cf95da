import type { Replica } from "../engine/replica.js";
import type { Row } from "../engine/schema.js";
import { type Selection, select } from "../engine/select.js";
import { callAll, type Watchable } from "./signal.js";

/** What queries look at. `version` of a table changes with its rows; the replica with the person. */
export interface QuerySource {
  readonly replica: Replica | null;
  version(table: string): number;
  watch(query: LiveQuery): () => void;
}

export class LiveQuery implements Watchable<readonly Row[]> {
  readonly table: string;
  readonly #selection: Selection;
  readonly #source: QuerySource;
  readonly #calls = new Set<() => void>();
  #unwatch: () => void = () => undefined;
  #version = -1;
  #rows: readonly Row[] = [];

  constructor(source: QuerySource, table: string, selection: Selection) {
    this.#source = source;
    this.table = table;
    this.#selection = selection;
  }

  readonly subscribe = (call: () => void): (() => void) => {
    if (this.#calls.size === 0) this.#unwatch = this.#source.watch(this);
    this.#calls.add(call);
    return () => {
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#unwatch();
    };
  };

  readonly getSnapshot = (): readonly Row[] => {
    const version = this.#source.version(this.table);
    if (version === this.#version) return this.#rows;
    this.#version = version;
    const rows = select(this.#source.replica?.rows(this.table) ?? [], this.#selection);
    const isSame = rows.length === this.#rows.length && rows.every((row, i) => row === this.#rows[i]);
    if (!isSame) this.#rows = rows;
    return this.#rows;
  };

  /** Its table may have changed. */
  refresh(): void {
    const before = this.#rows;
    if (this.getSnapshot() !== before) callAll(this.#calls);
  }
}
