import { equalJson, type Json } from "./json.js";
import type { VisibleRow } from "./replica.js";
import { type Row, wireToBigint } from "./schema.js";

export interface Selection {
  /** A predicate, or columns that must have these values. */
  readonly where?: ((row: Row) => boolean) | Readonly<Record<string, Json>>;
  readonly orderBy?: readonly (readonly [column: string, direction: "asc" | "desc"])[];
  readonly limit?: number;
}

/** Which rows, and in which order: without `orderBy`, and between equals, that of the key. */
export class Selector {
  readonly selection: Selection;
  readonly matches: (row: Row) => boolean;
  /** Columns that must have these values, for an index; none when a predicate decides. */
  readonly equal: Readonly<Record<string, Json>>;

  constructor(selection: Selection) {
    const { where = {} } = selection;
    this.selection = selection;
    this.equal = typeof where === "function" ? {} : where;
    this.matches = typeof where === "function" ? where : matcher(where);
  }

  select(rows: Iterable<VisibleRow>): VisibleRow[] {
    const found: VisibleRow[] = [];
    for (const visible of rows) if (this.matches(visible.row)) found.push(visible);
    return found.sort((a, b) => this.#compare(a, b));
  }

  /** The limit cuts only what is shown. */
  shown(found: readonly VisibleRow[]): readonly Row[] {
    return found.slice(0, this.selection.limit ?? found.length).map((visible) => visible.row);
  }

  /** Where a row stands in an ordered list, or is to be put. */
  place(rows: readonly VisibleRow[], wanted: VisibleRow): number {
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const row = rows[middle];
      if (row !== undefined && this.#compare(row, wanted) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compare(a: VisibleRow, b: VisibleRow): number {
    for (const [column, direction] of this.selection.orderBy ?? []) {
      const order = compareValues(a.row[column] ?? null, b.row[column] ?? null);
      if (order !== 0) return direction === "asc" ? order : -order;
    }
    return compareKeys(a, b);
  }
}

/** Null, then false, true, numbers (int64 as text is one), texts by UTF-16, and other JSON, which has no order. */
export function compareValues(a: Json, b: Json): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  if (typeof a === "number" || typeof b === "number") {
    const [left, right] = [wireToBigint(a), wireToBigint(b)];
    if (left !== null && right !== null) return left < right ? -1 : Number(left > right);
  }
  return rank(a) - rank(b);
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [longInteger(a), longInteger(b)];
  if (left !== null && right !== null) return left < right ? -1 : 1;
  return a < b ? -1 : 1;
}

/** An int64 beyond the doubles travels as text; shorter texts are texts. */
function longInteger(text: string): bigint | null {
  return text.length < 16 ? null : wireToBigint(text);
}

function compareKeys(a: VisibleRow, b: VisibleRow): number {
  for (const [i, value] of a.key.entries()) {
    const order = compareValues(value, b.key[i] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function rank(value: Json): number {
  if (value === null) return 0;
  if (typeof value === "boolean") return value ? 2 : 1;
  if (typeof value === "number") return 3;
  return typeof value === "string" ? 4 : 5;
}

function matcher(where: Readonly<Record<string, Json>>): (row: Row) => boolean {
  const wanted = Object.entries(where);
  return (row) => wanted.every(([column, value]) => equalJson(row[column] ?? null, value));
}
