import { canonical } from "./canonical.js";
import type { Json } from "./json.js";
import type { VisibleRow } from "./replica.js";
import type { Row } from "./schema.js";

/** The columns of each table by which its visible rows are found without looking at all of them. */
export type Indexes = Readonly<Record<string, readonly string[]>>;

/** Rows of one table by the value of one column. */
class ColumnIndex {
  readonly column: string;
  readonly #rows = new Map<string, Map<string, VisibleRow>>();

  constructor(column: string) {
    this.column = column;
  }

  put(visible: VisibleRow): void {
    const value = this.#value(visible.row);
    const rows = this.#rows.get(value);
    if (rows === undefined) this.#rows.set(value, new Map([[visible.keyText, visible]]));
    else rows.set(visible.keyText, visible);
  }

  remove({ row, keyText }: VisibleRow): void {
    const value = this.#value(row);
    const rows = this.#rows.get(value);
    rows?.delete(keyText);
    if (rows?.size === 0) this.#rows.delete(value);
  }

  rows(value: Json): Iterable<VisibleRow> {
    return this.#rows.get(canonical(value))?.values() ?? [];
  }

  #value(row: Row): string {
    return canonical(row[this.column] ?? null);
  }
}

/** The visible rows of a table, by key and by the declared indexes. */
export class VisibleRows {
  readonly #rows = new Map<string, VisibleRow>();
  readonly #indexes: readonly ColumnIndex[];

  constructor(columns: readonly string[] = []) {
    this.#indexes = columns.map((column) => new ColumnIndex(column));
  }

  get(keyText: string): VisibleRow | undefined {
    return this.#rows.get(keyText);
  }

  all(): IterableIterator<VisibleRow> {
    return this.#rows.values();
  }

  put(visible: VisibleRow): void {
    this.remove(visible.keyText);
    this.#rows.set(visible.keyText, visible);
    for (const index of this.#indexes) index.put(visible);
  }

  remove(keyText: string): void {
    const visible = this.#rows.get(keyText);
    if (visible === undefined) return;
    this.#rows.delete(keyText);
    for (const index of this.#indexes) index.remove(visible);
  }

  /** At least all rows that have these values; as few as an index gives. */
  candidates(equal: Readonly<Record<string, Json>>): Iterable<VisibleRow> {
    const index = this.#indexes.find(({ column }) => Object.hasOwn(equal, column));
    return index === undefined ? this.all() : index.rows(equal[index.column] ?? null);
  }
}
