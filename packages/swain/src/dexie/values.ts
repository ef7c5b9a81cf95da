import type { Json } from "../engine/json.js";
import type { Row, TableSchema } from "../engine/schema.js";

/** What an application keeps in columns of type time; on the way it is ISO text. */
export type Times = "date" | "text";

/** A row of the application's own making. */
export type LocalRow = Readonly<Record<string, unknown>>;

/** What goes up. Members that JSON does not know become what their columns hold; undefined is null. */
export function toColumns(row: LocalRow): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toColumn(value)]));
}

function toColumn(value: unknown): Json {
  if (value === undefined) return null;
  // The client refuses what it cannot take, with the place.
  return value instanceof Date ? value.toISOString() : (value as Json);
}

/** What comes down, over what the application keeps beside the columns. */
export function toLocal(row: Row, table: TableSchema, before: LocalRow | undefined, times: Times): LocalRow {
  const local = Object.entries(row).map(([name, value]): [string, unknown] => {
    const isTime = table.columns[name]?.type === "time";
    if (isTime && times === "date" && typeof value === "string") return [name, new Date(value)];
    if (table.columns[name]?.type === "bytes" && typeof value === "string") return [name, fromBase64(value)];
    return [name, value];
  });
  // A member that was never there stays away, so that `email?: string` remains true.
  const known = local.filter(([name, value]) => value !== null || (before !== undefined && name in before));
  const { ...kept } = before ?? {};
  for (const name of Object.keys(kept)) if (name in table.columns) delete (kept as Record<string, unknown>)[name];
  return { ...kept, ...Object.fromEntries(known) };
}

/** The columns in which two rows differ, with the values of the second. */
export function difference(before: LocalRow, after: LocalRow): Row {
  const [old, now] = [toColumns(before), toColumns(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  const changed = [...names].filter((name) => JSON.stringify(old[name] ?? null) !== JSON.stringify(now[name] ?? null));
  return Object.fromEntries(changed.map((name) => [name, now[name] ?? null]));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
