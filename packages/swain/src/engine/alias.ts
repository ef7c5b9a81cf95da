import { equalJson, type Json } from "./json.js";
import { type Operation, targetOf, type Was } from "./operation.js";
import { type Key, keyText, type Reference, type Schema, type TableSchema } from "./schema.js";

/** P25: a key that this device proposed, and that of the row that came of it. `to` equal to `from`: it stands for itself. */
export interface Alias {
  readonly n: number;
  readonly table: string;
  readonly from: Key;
  readonly to: Key;
}

/** A row of a table, by its key. */
export interface Place {
  readonly table: string;
  readonly key: Key;
}

/** C19: what this device remembers; beyond it the oldest go. */
export const ALIASES_MAX = 10_000;
/** How often an alias may stand for a key that is itself an alias. */
const STEPS_MAX = 8;

type Target = (place: Place) => Key | null;

/** What keys stand for. Entries of the outbox are never rewritten, because they may have to be sent again. */
export class Aliases {
  readonly #rows = new Map<string, Alias>();

  constructor(aliases: readonly Alias[] = []) {
    for (const alias of aliases) this.put(alias);
  }

  /** Learns an alias, or forgets one that is void. */
  put(alias: Alias): void {
    const name = placeName(alias.table, alias.from);
    if (isVoid(alias)) this.#rows.delete(name);
    else this.#rows.set(name, alias);
  }

  knows(alias: Alias): boolean {
    const known = this.#rows.get(placeName(alias.table, alias.from));
    return known === undefined ? isVoid(alias) : keyText(known.to) === keyText(alias.to);
  }

  all(): readonly Alias[] {
    return [...this.#rows.values()];
  }

  /** Those that are too many, the oldest first. */
  surplus(): readonly Alias[] {
    const count = this.#rows.size - ALIASES_MAX;
    return count <= 0 ? [] : [...this.all()].sort((a, b) => a.n - b.n).slice(0, count);
  }

  /** The key that a key stands for now; null: itself. */
  target({ table, key }: Place): Key | null {
    let target: Key | null = null;
    for (let steps = 0; steps <= STEPS_MAX; steps += 1) {
      const next = this.#rows.get(placeName(table, target ?? key));
      if (next === undefined) break;
      target = next.to;
    }
    return target;
  }

  /** The key of the row that a person means, whichever they know. */
  key(schema: Schema | null, table: string, key: Key): Key {
    const known = schema?.tables[table];
    if (known === undefined || this.#rows.size === 0) return key;
    return replacedKey(known, { table, key }, (place) => this.target(place));
  }

  operations(schema: Schema | null, ops: readonly Operation[]): readonly Operation[] {
    if (this.#rows.size === 0) return ops;
    return replaceAll(schema, ops, (place) => this.target(place));
  }
}

/** C19: a restored server has lost what these mutations made, so their temporary keys are temporary again. */
export function lostAbove(
  schema: Schema | null,
  aliases: readonly Alias[],
  last: number,
): { readonly lost: readonly Alias[]; readonly back: (ops: readonly Operation[]) => readonly Operation[] } {
  const lost = aliases.filter((alias) => alias.n > last);
  const temporary = lost.filter(({ table, from }) => isTemporary(schema?.tables[table], from));
  const back = new Aliases(temporary.map(({ n, table, from, to }) => ({ n, table, from: to, to: from })));
  return { lost, back: (ops) => back.operations(schema, ops) };
}

/** M10: a key that was made up until the database gives one. */
export function isTemporary(table: TableSchema | undefined, key: Key): boolean {
  const [only, ...others] = key;
  if (table?.ids !== "server" || others.length > 0) return false;
  return typeof only === "number" ? only < 0 : typeof only === "string" && only.startsWith("-");
}

export function placeName(table: string, key: Key): string {
  return `${table}\u0000${keyText(key)}`;
}

export function voided({ n, table, from }: Alias): Alias {
  return { n, table, from, to: from };
}

function isVoid({ from, to }: Alias): boolean {
  return keyText(from) === keyText(to);
}

/** The rows that operations name: their own, and those of their references, also in what values were. */
export function placesOf(schema: Schema | null, ops: readonly Operation[]): readonly Place[] {
  return ops.flatMap((operation) => {
    const { table, key } = targetOf(operation);
    const references = schema?.tables[table]?.references ?? [];
    const named = references.flatMap((reference) => [
      namedBy(reference, (column) => valueIn(schema?.tables[table], operation, column)),
      namedBy(reference, (column) => valueBefore(operation, column)),
    ]);
    return [{ table, key }, ...named.filter((place) => place !== null)];
  });
}

function replaceAll(schema: Schema | null, ops: readonly Operation[], target: Target): readonly Operation[] {
  const replaced = ops.map((operation) => {
    const table = schema?.tables[targetOf(operation).table];
    return table === undefined ? operation : replacedIn(table, operation, target);
  });
  return replaced.every((operation, i) => operation === ops[i]) ? ops : replaced;
}

/** References first, then the operation's own key, as on the server. */
function replacedIn(table: TableSchema, operation: Operation, target: Target): Operation {
  let next = operation;
  for (const reference of table.references ?? []) {
    const now = namedBy(reference, (column) => valueIn(table, next, column));
    const before = namedBy(reference, (column) => valueBefore(next, column));
    const to = now === null ? null : target(now);
    if (to !== null) next = withReference(table, next, reference, to);
    const was = before === null ? null : target(before);
    if (was !== null) next = withReferenceBefore(next, reference, was);
  }
  const key = target(targetOf(next));
  return key === null ? next : withKey(next, key);
}

function replacedKey(table: TableSchema, place: Place, target: Target): Key {
  let { key } = place;
  for (const reference of table.references ?? []) {
    const at = reference.columns.map((column) => table.key.indexOf(column));
    if (at.includes(-1)) continue;
    const to = target({ table: reference.table, key: at.map((i) => key[i] ?? null) });
    if (to !== null) key = key.map((value, i) => to[at.indexOf(i)] ?? value);
  }
  return target({ table: place.table, key }) ?? key;
}

function namedBy(reference: Reference, value: (column: string) => Json | undefined): Place | null {
  const key = reference.columns.map(value);
  if (key.some((part) => part === undefined || part === null)) return null;
  return { table: reference.table, key: key as Key };
}

function valueIn(table: TableSchema | undefined, operation: Operation, column: string): Json | undefined {
  const at = table?.key.indexOf(column) ?? -1;
  const body = targetOf(operation);
  if (at >= 0) return body.key[at];
  return "set" in body && body.set !== undefined && Object.hasOwn(body.set, column) ? body.set[column] : undefined;
}

function valueBefore(operation: Operation, column: string): Json | undefined {
  const body = targetOf(operation);
  const was = "was" in body && body.was !== undefined && Object.hasOwn(body.was, column) ? body.was[column] : undefined;
  return was !== undefined && "value" in was ? was.value : undefined;
}

function withReference(table: TableSchema, operation: Operation, reference: Reference, to: Key): Operation {
  const body = targetOf(operation);
  const values = new Map(reference.columns.map((column, i) => [column, to[i] ?? null]));
  const key = table.key.map((column, i) => values.get(column) ?? body.key[i] ?? null);
  const isSet = "set" in body && body.set !== undefined;
  const set = isSet
    ? Object.fromEntries(Object.entries(body.set ?? {}).map(([column, old]) => [column, values.get(column) ?? old]))
    : undefined;
  return withBody(operation, { ...body, key, ...(set === undefined ? {} : { set }) });
}

function withReferenceBefore(operation: Operation, reference: Reference, to: Key): Operation {
  const body = targetOf(operation);
  if (!("was" in body) || body.was === undefined) return operation;
  const was = Object.entries(body.was).map(([column, seen]): [string, Was] => {
    const at = reference.columns.indexOf(column);
    if (at < 0 || !("value" in seen) || equalJson(seen.value, to[at] ?? null)) return [column, seen];
    return [column, { ...seen, value: to[at] ?? null }];
  });
  return withBody(operation, { ...body, was: Object.fromEntries(was) });
}

/** The same operation on the row of another key. */
export function withKey(operation: Operation, key: Key): Operation {
  return withBody(operation, { ...targetOf(operation), key });
}

function withBody(operation: Operation, body: object): Operation {
  const [kind = ""] = Object.keys(operation);
  return { [kind]: body } as unknown as Operation;
}
