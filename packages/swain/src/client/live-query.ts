import type { ChangedRow } from "../engine/batch.js";
import type { Replica, VisibleRow } from "../engine/replica.js";
import { keyText, type Row } from "../engine/schema.js";
import { type Selection, Selector } from "../engine/select.js";
import { callAll, type Watchable } from "./signal.js";

/** What queries look at. `version` of a table goes up by one with each step that changes it. */
export interface QuerySource {
  readonly replica: Replica | null;
  version(table: string): number;
  watch(live: Live): () => void;
  /** Resolves when this run has caught up with the server. */
  fresh(): Promise<void>;
}

/** Something on the screen that depends on a table. */
export interface Live {
  readonly table: string;
  /** A step changed these rows of its table; null: perhaps all. */
  refresh(rows: readonly ChangedRow[] | null): void;
}

/** The result of a query. A step of changes costs as much as it has rows, however large the table is. */
export class LiveQuery implements Live, Watchable<readonly Row[]> {
  readonly table: string;
  readonly #selector: Selector;
  readonly #source: QuerySource;
  readonly #calls = new Set<() => void>();
  #unwatch: () => void = () => undefined;
  #version = -1;
  /** All that match, in order. */
  #found: VisibleRow[] = [];
  #rows: readonly Row[] = [];

  constructor(source: QuerySource, table: string, selection: Selection) {
    this.#source = source;
    this.table = table;
    this.#selector = new Selector(selection);
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
    if (version !== this.#version) {
      this.#version = version;
      this.#lookAgain();
      this.#show();
    }
    return this.#rows;
  };

  /** The rows, once this run has caught up with the server. */
  readonly fresh = async (): Promise<readonly Row[]> => {
    await this.#source.fresh();
    return this.getSnapshot();
  };

  refresh(rows: readonly ChangedRow[] | null): void {
    const before = this.#rows;
    const isNext = this.#source.version(this.table) === this.#version + 1;
    if (rows === null || !isNext) {
      this.getSnapshot();
    } else {
      this.#version += 1;
      if (this.#follow(rows)) this.#show();
    }
    if (this.#rows !== before) callAll(this.#calls);
  }

  /** Returns whether anything that was found is another now. */
  #follow(rows: readonly ChangedRow[]): boolean {
    let isChanged = false;
    for (const { key, before } of rows) {
      const text = keyText(key);
      if (before !== null && this.#selector.matches(before)) {
        const at = this.#selector.place(this.#found, { key, keyText: text, row: before });
        // A predicate that does not always say the same; the whole is looked at again.
        if (this.#found[at]?.keyText !== text) return this.#lookAgain();
        this.#found.splice(at, 1);
        isChanged = true;
      }
      const visible = this.#source.replica?.visible(this.table, text);
      if (visible === undefined || !this.#selector.matches(visible.row)) continue;
      this.#found.splice(this.#selector.place(this.#found, visible), 0, visible);
      isChanged = true;
    }
    return isChanged;
  }

  #lookAgain(): true {
    this.#found = this.#selector.select(this.#source.replica?.candidates(this.table, this.#selector.equal) ?? []);
    return true;
  }

  #show(): void {
    const rows = this.#selector.shown(this.#found);
    const isSame = rows.length === this.#rows.length && rows.every((row, i) => row === this.#rows[i]);
    if (!isSame) this.#rows = rows;
  }
}
