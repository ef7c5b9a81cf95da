import type { ChangedRow } from "../engine/batch.js";
import type { Row } from "../engine/schema.js";
import type { Live, QuerySource } from "./live-query.js";
import { callAll, type Watchable } from "./signal.js";

/** One row, whatever key it is known by; undefined when it is not here. */
export class LiveRow implements Live, Watchable<Row | undefined> {
  readonly table: string;
  readonly getSnapshot: () => Row | undefined;
  readonly #source: Pick<QuerySource, "watch">;
  readonly #calls = new Set<() => void>();
  #unwatch: () => void = () => undefined;
  #told: Row | undefined;

  constructor(source: Pick<QuerySource, "watch">, table: string, row: () => Row | undefined) {
    this.#source = source;
    this.table = table;
    this.getSnapshot = row;
  }

  readonly subscribe = (call: () => void): (() => void) => {
    if (this.#calls.size === 0) {
      this.#told = this.getSnapshot();
      this.#unwatch = this.#source.watch(this);
    }
    this.#calls.add(call);
    return () => {
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#unwatch();
    };
  };

  refresh(_rows: readonly ChangedRow[] | null): void {
    const now = this.getSnapshot();
    if (now === this.#told) return;
    this.#told = now;
    callAll(this.#calls);
  }
}
