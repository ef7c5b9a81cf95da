import { SwainError } from "../error.js";
import { canonical, toJson } from "./canonical.js";
import type { Json } from "./json.js";

/** V8. Members that this client does not know are ignored. */
export interface Schema {
  readonly version: number;
  readonly tables: Readonly<Record<string, TableSchema>>;
}

export interface TableSchema {
  readonly columns: Readonly<Record<string, ColumnSchema>>;
  readonly key: readonly string[];
  /** "server": the database gives ids to new rows, and a device uses negative ones until it knows (M10). */
  readonly ids?: string;
  /** Unique keys besides the primary one, on which an upsert may find a row (M11). */
  readonly unique?: readonly (readonly string[])[];
  readonly references?: readonly Reference[];
}

/** M10: columns that hold the key of a row of a table, in the order of its key. */
export interface Reference {
  readonly columns: readonly string[];
  readonly table: string;
}

export interface ColumnSchema {
  /** One of V1; kept as text, because a newer server may know more. */
  readonly type: string;
  readonly null?: boolean;
  readonly default?: boolean;
  readonly readonly?: boolean;
  /** M3: its `was` travels whole, however long. */
  readonly whole?: boolean;
}

/** V6: complete, from column name to value. */
export type Row = Readonly<Record<string, Json>>;

/** V5: the values of the key columns, in key order. */
export type Key = readonly Json[];

/** V5: the identity of a row within its table. */
export function keyText(key: Key): string {
  return canonical(key);
}

export function keyOf(row: Row, table: TableSchema): Key {
  return table.key.map((column) => row[column] ?? null);
}

export function tableOf(schema: Schema | null, name: string): TableSchema {
  if (schema === null) {
    throw new SwainError(
      "schema_unknown",
      "This device has never been connected, so it does not know the tables. Connect once, then edit.",
    );
  }
  const table = Object.hasOwn(schema.tables, name) ? schema.tables[name] : undefined;
  if (table === undefined) throw new SwainError("unknown_table", `There is no table ${name}.`, { table: name });
  return table;
}

export function columnOf(table: TableSchema, name: string, place: string): ColumnSchema {
  const column = Object.hasOwn(table.columns, name) ? table.columns[name] : undefined;
  if (column === undefined) {
    throw new SwainError("unknown_column", `${place}: there is no such column.`, { at: place });
  }
  return column;
}

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/**
 * V1: the wire form of a value that the application gives for a column.
 * Beside JSON it takes a bigint for int64, Infinity for float64 and a Uint8Array for bytes.
 */
export function toWire(value: unknown, column: ColumnSchema, place: string): Json {
  if (value === null) return null;
  switch (column.type) {
    case "bool":
      return expectType(typeof value === "boolean", value, place);
    case "int64":
      return int64ToWire(value, place);
    case "float64":
      return float64ToWire(value, place);
    case "decimal":
    case "text":
    case "time":
      return expectType(typeof value === "string", value, place);
    case "bytes":
      if (value instanceof Uint8Array) return toBase64(value);
      return expectType(typeof value === "string" && BASE64.test(value), value, place);
    default:
      return toJson(value, place);
  }
}

/** The wire form of an integer, or null when it is not an int64. */
export function bigintToWire(value: bigint): Json {
  if (value < INT64_MIN || value > INT64_MAX) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** The integer that a wire value stands for, or null when it is none. */
export function wireToBigint(value: Json): bigint | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
  if (typeof value !== "string" || !INTEGER.test(value)) return null;
  const integer = BigInt(value);
  return integer < INT64_MIN || integer > INT64_MAX ? null : integer;
}

const INTEGER = /^(?:0|-?[1-9][0-9]{0,18})$/;
const DIGITS = /^-?[0-9]{1,40}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function int64ToWire(value: unknown, place: string): Json {
  if (typeof value === "number") {
    if (!Number.isInteger(value)) throw wrongType(place);
    if (!Number.isSafeInteger(value)) throw outOfRange(place);
    return value === 0 ? 0 : value;
  }
  if (typeof value === "bigint") {
    const wire = bigintToWire(value);
    if (wire === null) throw outOfRange(place);
    return wire;
  }
  if (typeof value !== "string" || !DIGITS.test(value)) throw wrongType(place);
  const wire = bigintToWire(BigInt(value));
  if (wire === null) throw outOfRange(place);
  if (wire !== value) throw wrongType(place);
  return value;
}

function float64ToWire(value: unknown, place: string): Json {
  if (value === Number.POSITIVE_INFINITY || value === "Infinity") return "Infinity";
  if (value === Number.NEGATIVE_INFINITY || value === "-Infinity") return "-Infinity";
  return expectType(typeof value === "number" && !Number.isNaN(value), value, place);
}

function expectType(fits: boolean, value: unknown, place: string): Json {
  if (!fits) throw wrongType(place);
  return toJson(value, place);
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function wrongType(place: string): SwainError {
  return new SwainError("wrong_type", `${place} has another type than its column.`, { at: place });
}

function outOfRange(place: string): SwainError {
  return new SwainError("number_out_of_range", `${place} is not in the range of its column.`, { at: place });
}
