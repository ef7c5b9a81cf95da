import { canonical } from "./canonical.js";
import { equalJson, isArray, type Json } from "./json.js";
import { bigintToWire, type Key, type Row, type TableSchema, wireToBigint } from "./schema.js";

/** M1. A union by its one member, as on the wire. */
export type Operation =
  | { readonly insert: Insert }
  | { readonly update: Update }
  | { readonly upsert: Upsert }
  | { readonly delete: Delete };

export interface Insert {
  readonly table: string;
  readonly key: Key;
  readonly set: Row;
}

export interface Update {
  readonly table: string;
  readonly key: Key;
  readonly set?: Row;
  readonly was?: Readonly<Record<string, Was>>;
  readonly inc?: Row;
  readonly add?: Readonly<Record<string, readonly Json[]>>;
  readonly remove?: Readonly<Record<string, readonly Json[]>>;
}

/** M11: the row with these values in the columns `on` is changed; when there is none, it is a new row under `key`. */
export interface Upsert {
  readonly table: string;
  readonly key: Key;
  readonly on: readonly string[];
  readonly set: Row;
  readonly was?: Readonly<Record<string, Was>>;
}

export interface Delete {
  readonly table: string;
  readonly key: Key;
  readonly seen?: string;
}

/** M3. `afterUid` stands for `after` on the device until the mutation it names has its number. */
export type Was =
  | { readonly value: Json }
  | { readonly hash: string }
  | { readonly after: number; readonly value: Json }
  | { readonly afterUid: string; readonly value: Json };

/** What an operation is about. */
export function targetOf(operation: Operation): Insert | Update | Upsert | Delete {
  if ("insert" in operation) return operation.insert;
  if ("upsert" in operation) return operation.upsert;
  return "update" in operation ? operation.update : operation.delete;
}

/** The columns that an operation writes; null stands for all of them. */
export function columnsWritten(operation: Operation): readonly string[] | null {
  if ("upsert" in operation) return Object.keys(operation.upsert.set);
  if (!("update" in operation)) return null;
  const { set, inc, add, remove } = operation.update;
  return [set, inc, add, remove].flatMap((columns) => Object.keys(columns ?? {}));
}

/** M2: the row after the operation, null when there is none. Columns that the schema does not have are left out. */
export function applyOperation(row: Row | null, operation: Operation, table: TableSchema): Row | null {
  if ("insert" in operation) return inserted(operation.insert, table);
  if ("delete" in operation) return null;
  if ("upsert" in operation) {
    const { upsert } = operation;
    return row === null ? inserted(upsert, table) : updated(row, upsert, table);
  }
  return row === null ? null : updated(row, operation.update, table);
}

function inserted(insert: Insert, table: TableSchema): Row {
  const row = Object.keys(table.columns).map((column): [string, Json] => {
    const place = table.key.indexOf(column);
    const value = place >= 0 ? insert.key[place] : ownValue(insert.set, column);
    return [column, value ?? null];
  });
  return Object.fromEntries(row);
}

function updated(row: Row, update: Update, table: TableSchema): Row {
  const changed = new Map<string, Json>();
  const current = (column: string): Json => (changed.has(column) ? changed.get(column) : ownValue(row, column)) ?? null;
  const each = <T>(columns: Readonly<Record<string, T>> | undefined, next: (column: string, by: T) => Json) => {
    for (const [column, by] of Object.entries(columns ?? {})) {
      if (Object.hasOwn(table.columns, column)) changed.set(column, next(column, by));
    }
  };
  each(update.set, (_column, value) => value);
  each(update.inc, (column, by) => sum(current(column), by, table.columns[column]?.type));
  each(update.add, (column, values) => withAdded(current(column), values));
  each(update.remove, (column, values) => withRemoved(current(column), values));
  return { ...row, ...Object.fromEntries(changed) };
}

/** A sum that has no value of the type leaves the column as it is; the server answers for it. */
function sum(current: Json, by: Json, type: string | undefined): Json {
  if (type === "int64") {
    const a = wireToBigint(current ?? 0);
    const b = wireToBigint(by);
    return a === null || b === null ? current : (bigintToWire(a + b) ?? current);
  }
  if (type !== "float64") return current;
  const a = wireToFloat(current ?? 0);
  const b = wireToFloat(by);
  return a === null || b === null ? current : (floatToWire(a + b) ?? current);
}

function wireToFloat(value: Json): number | null {
  if (typeof value === "number") return value;
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  return value === "-Infinity" ? Number.NEGATIVE_INFINITY : null;
}

function floatToWire(value: number): Json {
  if (Number.isNaN(value)) return null;
  if (Number.isFinite(value)) return value === 0 ? 0 : value;
  return value > 0 ? "Infinity" : "-Infinity";
}

function withAdded(current: Json, values: readonly Json[]): Json {
  const list = current ?? [];
  if (!isArray(list)) return current;
  const held = new Set(list.map(canonical));
  const added = values.filter((value) => {
    const text = canonical(value);
    if (held.has(text)) return false;
    held.add(text);
    return true;
  });
  return [...list, ...added];
}

function withRemoved(current: Json, values: readonly Json[]): Json {
  const list = current ?? [];
  if (!isArray(list)) return current;
  return list.filter((item) => !values.some((value) => equalJson(item, value)));
}

function ownValue(row: Row, column: string): Json | undefined {
  return Object.hasOwn(row, column) ? row[column] : undefined;
}
