import { SwainError } from "../error.js";
import { canonical, toJson } from "./canonical.js";
import { byteLength, hash, hashJson } from "./hash.js";
import { equalJson, isArray, isObject, type Json } from "./json.js";
import {
  applyOperation,
  type Insert,
  type Operation,
  targetOf,
  type Update,
  type Upsert,
  type Was,
} from "./operation.js";
import type { Replica } from "./replica.js";
import { columnOf, type Key, keyOf, keyText, type Row, type TableSchema, tableOf, toWire } from "./schema.js";

/** M1, P16. */
export const OPERATIONS_MAX = 500;
/** P16: of one push, and so of one mutation. */
export const MUTATION_BYTES_MAX = 1_048_576;
/** M3: a longer value travels as its hash. */
export const WAS_BYTES_MAX = 256;

/** What an update may do to a row, column by column. */
export interface Changes {
  readonly set?: Readonly<Record<string, unknown>>;
  readonly inc?: Readonly<Record<string, unknown>>;
  readonly add?: Readonly<Record<string, readonly unknown[]>>;
  readonly remove?: Readonly<Record<string, readonly unknown[]>>;
}

/** One mutation in the making. Each operation sees the rows as those before it left them. */
export class Draft {
  readonly #replica: Replica;
  readonly #newId: () => string;
  readonly #newTemporary: () => number;
  readonly #ops: Operation[] = [];
  readonly #rows = new Map<string, Row | null>();

  /** `newTemporary` gives a negative id that this device never gave before (C19). */
  constructor(replica: Replica, newId: () => string, newTemporary: () => number) {
    this.#replica = replica;
    this.#newId = newId;
    this.#newTemporary = newTemporary;
  }

  /** Refuses what the server would refuse for its size. */
  operations(): readonly Operation[] {
    if (this.#ops.length === 0) throw new SwainError("empty_mutation", "There is no operation in the mutation.");
    if (this.#ops.length > OPERATIONS_MAX) {
      throw new SwainError("limit_mutation_ops", `A mutation has at most ${OPERATIONS_MAX} operations.`);
    }
    if (byteLength(JSON.stringify(this.#ops)) > MUTATION_BYTES_MAX - 1024) {
      throw new SwainError("limit_push_bytes", "The mutation is larger than 1 MiB.");
    }
    return this.#ops;
  }

  row(table: string, given: Key): Row | null {
    const key = this.#replica.resolve(table, given);
    const text = keyText(key);
    const drafted = this.#rows.get(rowName(table, text));
    return drafted === undefined ? (this.#replica.row(table, text) ?? null) : drafted;
  }

  /** Returns the key. */
  insert(table: string, values: Readonly<Record<string, unknown>>): Key {
    const schema = this.#schema(table);
    const proposed = schema.key.map((column) => this.#keyValue(schema, table, column, values[column]));
    const set = wireValues(schema, table, withoutKey(schema, values));
    const operation = this.#named({ insert: { table, key: proposed, set } });
    const { key } = targetOf(operation);
    if (this.row(table, key) !== null) throw new SwainError("id_taken", `${table} has this key already.`, key);
    this.#add(operation, schema);
    return key;
  }

  /** M11: by the columns `on`, which are a unique key of the table. Returns the key of the row, as far as it is known. */
  upsert(table: string, on: readonly string[], values: Readonly<Record<string, unknown>>): Key {
    const schema = this.#schema(table);
    checkUnique(schema, table, on);
    const set = wireValues(schema, table, withoutKey(schema, values));
    const given = schema.key.map((column) => this.#wireKey(schema, table, column, values[column]));
    const { upsert } = this.#named({ upsert: { table, key: given, on, set } }) as { readonly upsert: Upsert };
    const found = this.#holder(schema, upsert);
    const key = found ?? upsert.key.map((value, i) => value ?? this.#newKey(schema, table, schema.key[i] ?? ""));
    const row = this.row(table, key);
    const was = row === null ? {} : { was: this.#was(table, key, row, Object.keys(upsert.set)) };
    this.#add({ upsert: { ...upsert, key, ...was } }, schema);
    return key;
  }

  update(table: string, given: Key, changes: Changes): void {
    const schema = this.#schema(table);
    const key = this.#replica.resolve(table, given);
    const row = this.row(table, key);
    if (row === null) throw new SwainError("row_gone", `${table} has no row with this key.`, key);
    const set = changes.set && wireValues(schema, table, changes.set);
    const update = definedOnly({
      set: set && this.#namedSet(table, key, set),
      inc: changes.inc && wireValues(schema, table, changes.inc),
      add: changes.add && wireLists(schema, table, changes.add),
      remove: changes.remove && wireLists(schema, table, changes.remove),
    });
    if (Object.keys(update).length === 0) throw new SwainError("empty_mutation", "There is nothing to change.");
    checkOnce(update, table);
    const was = update.set === undefined ? {} : { was: this.#was(table, key, row, Object.keys(update.set)) };
    this.#add({ update: { table, key, ...update, ...was } }, schema);
  }

  delete(table: string, given: Key): void {
    const schema = this.#schema(table);
    const key = this.#replica.resolve(table, given);
    const row = this.row(table, key);
    const seen = row === null ? {} : { seen: hashJson(row) };
    this.#add({ delete: { table, key, ...seen } }, schema);
  }

  /** C15: the same wish again, based on what the person sees now. */
  again(operation: Operation): void {
    const { table, key } = targetOf(operation);
    if ("delete" in operation) this.delete(table, key);
    else if ("insert" in operation) this.insert(table, withKeyColumns(operation.insert, this.#schema(table)));
    else if ("upsert" in operation) {
      this.upsert(table, operation.upsert.on, withKeyColumns(operation.upsert, this.#schema(table)));
    } else this.update(table, key, operation.update);
  }

  #schema(table: string): TableSchema {
    return tableOf(this.#replica.meta.schema, table);
  }

  #add(operation: Operation, schema: TableSchema): void {
    const { table, key } = targetOf(operation);
    this.#rows.set(rowName(table, keyText(key)), applyOperation(this.row(table, key), operation, schema));
    this.#ops.push(operation);
  }

  #keyValue(schema: TableSchema, table: string, name: string, value: unknown): Json {
    return this.#wireKey(schema, table, name, value) ?? this.#newKey(schema, table, name);
  }

  #wireKey(schema: TableSchema, table: string, name: string, value: unknown): Json {
    const place = `${table}.${name}`;
    const column = columnOf(schema, name, place);
    return value === undefined || value === null ? null : toWire(value, column, place);
  }

  #newKey(schema: TableSchema, table: string, name: string): Json {
    const place = `${table}.${name}`;
    const { type } = columnOf(schema, name, place);
    if (schema.ids === "server") return this.#newTemporary();
    if (type === "text" || type === "uuid") return this.#newId();
    throw new SwainError("key_missing", `${place} is part of the key and must be given.`, { at: place });
  }

  /** C19: rows are named as far as they are known. */
  #named(operation: Operation): Operation {
    const [named = operation] = this.#replica.aliases.operations(this.#replica.meta.schema, [operation]);
    return named;
  }

  #namedSet(table: string, key: Key, set: Row): Row {
    const named = this.#named({ update: { table, key, set } });
    return "update" in named ? (named.update.set ?? set) : set;
  }

  /** C20: the key of the row that the person sees with these values. */
  #holder(schema: TableSchema, { table, key, on, set }: Upsert): Key | null {
    const wanted = on.map((column): [string, Json] => {
      const at = schema.key.indexOf(column);
      return [column, (at >= 0 ? key[at] : set[column]) ?? null];
    });
    if (wanted.some(([, value]) => value === null)) return null;
    const holds = (row: Row): boolean => wanted.every(([column, value]) => equalJson(row[column] ?? null, value));
    for (const [name, row] of this.#rows) {
      if (name.startsWith(`${table}\u0000`) && row !== null && holds(row)) return keyOf(row, schema);
    }
    for (const visible of this.#replica.candidates(table, Object.fromEntries(wanted))) {
      if (holds(visible.row) && !this.#rows.has(rowName(table, visible.keyText))) return visible.key;
    }
    return null;
  }

  /** M3. */
  #was(table: string, key: Key, row: Row, columns: readonly string[]): Readonly<Record<string, Was>> {
    const text = keyText(key);
    const isDrafted = this.#rows.has(rowName(table, text));
    const writers = isDrafted ? new Map<string, never>() : this.#replica.writers(table, text);
    const seen = columns.map((column): [string, Was] => {
      const value = row[column] ?? null;
      const writer = writers.get(column) ?? writers.get("*");
      if (writer === undefined) {
        const isWhole = this.#schema(table).columns[column]?.whole === true;
        return [column, isWhole ? { value } : plainWas(value)];
      }
      return [column, writer.n === null ? { afterUid: writer.uid, value } : { after: writer.n, value }];
    });
    return Object.fromEntries(seen);
  }
}

/** The key of a row in wire form, from what the application gives: one value, or an array of them. */
export function toKey(table: TableSchema, name: string, given: unknown): Key {
  const values: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (values.length !== table.key.length) {
    throw new SwainError("wrong_type", `The key of ${name} has ${table.key.length} values.`);
  }
  return table.key.map((column, i) => {
    const place = `${name}.${column}`;
    return toWire(values[i], columnOf(table, column, place), place);
  });
}

function plainWas(value: Json): Was {
  const text = canonical(value);
  return byteLength(text) > WAS_BYTES_MAX ? { hash: hash(text) } : { value };
}

function wireValues(schema: TableSchema, table: string, values: Readonly<Record<string, unknown>>): Row {
  const wire = Object.entries(values).map(([name, value]): [string, Json] => {
    const place = `${table}.${name}`;
    return [name, toWire(value, writableColumn(schema, name, place), place)];
  });
  return Object.fromEntries(wire);
}

function wireLists(
  schema: TableSchema,
  table: string,
  lists: Readonly<Record<string, readonly unknown[]>>,
): Readonly<Record<string, readonly Json[]>> {
  const wire = Object.entries(lists).map(([name, values]): [string, readonly Json[]] => {
    const place = `${table}.${name}`;
    writableColumn(schema, name, place);
    const list = toJson(values, place);
    if (!isArray(list)) throw new SwainError("wrong_type", `${place} takes an array.`, { at: place });
    return [name, list];
  });
  return Object.fromEntries(wire);
}

/** M9. */
function writableColumn(schema: TableSchema, name: string, place: string): TableSchema["columns"][string] {
  const column = columnOf(schema, name, place);
  if (column.readonly === true || schema.key.includes(name)) {
    throw new SwainError("column_readonly", `${place} cannot be set by a device.`, { at: place });
  }
  return column;
}

/** M1: a column is named by at most one of set, inc, add/remove. */
function checkOnce(update: Pick<Update, "set" | "inc" | "add" | "remove">, table: string): void {
  const lists = new Set([...Object.keys(update.add ?? {}), ...Object.keys(update.remove ?? {})]);
  const seen = new Set<string>();
  for (const column of [...Object.keys(update.set ?? {}), ...Object.keys(update.inc ?? {}), ...lists]) {
    if (seen.has(column)) throw new SwainError("column_twice", `${table}.${column} is changed in two ways.`);
    seen.add(column);
  }
}

function withKeyColumns({ key, set }: Insert | Upsert, schema: TableSchema): Row {
  const columns = schema.key.map((column, i): [string, Json] => [column, key[i] ?? null]);
  return { ...set, ...Object.fromEntries(columns) };
}

function withoutKey(schema: TableSchema, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const others = Object.entries(values).filter(
    ([column, value]) => !schema.key.includes(column) && value !== undefined,
  );
  return Object.fromEntries(others);
}

/** M11. */
function checkUnique(schema: TableSchema, table: string, on: readonly string[]): void {
  const same = (unique: readonly string[]): boolean =>
    unique.length === on.length && unique.every((column) => on.includes(column));
  if (![schema.key, ...(schema.unique ?? [])].some(same)) {
    throw new SwainError("not_unique", `(${on.join(", ")}) is no unique key of ${table}.`, [...on]);
  }
}

function definedOnly<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const defined = Object.entries(values).filter(
    ([, value]) => isObject(value as Json) && Object.keys(value).length > 0,
  );
  return Object.fromEntries(defined) as { [K in keyof T]?: NonNullable<T[K]> };
}

function rowName(table: string, key: string): string {
  return `${table}\u0000${key}`;
}
