import type { Dexie } from "dexie";
import type { Client } from "../client/client.js";
import { JOURNAL, type JournalEntry, MARK_KEY, type RowKey } from "./journal.js";
import { difference, type LocalRow, toColumns } from "./values.js";

/**
 * The rows that were there before the add-on: into the journal, once. In one transaction, the mark included, so it
 * happens whole or not at all, and never again.
 *
 * A counted key is this device's own number, which another device has given to another row. Such rows get temporary
 * keys first, and the columns that name them follow; the server gives the keys that stay.
 */
export async function uploadOnce(
  db: Dexie,
  client: Client,
  tables: readonly string[],
  own: (trans: unknown) => void,
  isOpen: () => boolean,
): Promise<void> {
  const user = client.auth.getSnapshot()?.id ?? null;
  await db.transaction("rw", [...tables, JOURNAL], async (tx) => {
    own((tx as unknown as { readonly idbtrans: unknown }).idbtrans);
    const journal = db.table<JournalEntry | Mark, number>(JOURNAL);
    if ((await journal.get(MARK_KEY)) !== undefined) return;
    const moved = new Map<string, RowKey>();
    const rows = new Map<string, { key: RowKey; row: LocalRow }[]>();
    for (const name of tables) rows.set(name, await rowsOf(db, name));
    for (const [name, held] of rows) {
      if (!isCounted(db, client, name)) continue;
      for (const one of held) {
        if (typeof one.key !== "number" || one.key < 0) continue;
        const key = client.temporaryId();
        moved.set(`${name} ${one.key}`, key);
        await db.table(name).delete(one.key);
        one.key = key;
      }
    }
    for (const [name, held] of rows) {
      for (const one of held) {
        const row = renamed(client, name, one, moved);
        const path = db.table(name).schema.primKey.keyPath;
        await db.table(name).put(row, typeof path === "string" && path !== "" ? undefined : one.key);
        const entry = entryFor(client, name, one.key, row);
        if (entry !== null) await journal.add({ ...entry, uid: uidOf(db, name, one.key), user });
      }
    }
    // Somebody else's store gave keys and rows: nothing of it happened, and it is done again.
    if (!isOpen()) tx.abort();
    await journal.put({ mark: 1 }, MARK_KEY);
  });
}

interface Mark {
  readonly mark: 1;
}

async function rowsOf(db: Dexie, name: string): Promise<{ key: RowKey; row: LocalRow }[]> {
  const table = db.table<LocalRow, RowKey>(name);
  const keys = await table.toCollection().primaryKeys();
  const rows = await table.bulkGet(keys);
  return keys.flatMap((key, i) => {
    const row = rows[i];
    return row === undefined ? [] : [{ key, row }];
  });
}

/** Whether the numbers of its keys are given by whoever makes a row: here by the browser, there by the database. */
function isCounted(db: Dexie, client: Client, name: string): boolean {
  return db.table(name).schema.primKey.auto === true && client.schema?.tables[name]?.ids === "server";
}

/** With its own new key, and with those of the rows that it names. */
function renamed(
  client: Client,
  name: string,
  { key, row }: { readonly key: RowKey; readonly row: LocalRow },
  moved: ReadonlyMap<string, RowKey>,
): LocalRow {
  const schema = client.schema?.tables[name];
  const next: Record<string, unknown> = { ...row };
  for (const { columns, table } of schema?.references ?? []) {
    const [column, ...others] = columns;
    if (column === undefined || others.length > 0) continue;
    next[column] = moved.get(`${table} ${row[column]}`) ?? row[column];
  }
  const [only, ...others] = schema?.key ?? [];
  if (only !== undefined && others.length === 0 && only in row) next[only] = key;
  return next;
}

/** A row that the server has already, from another device with the same keys, is changed where the two differ. */
function entryFor(
  client: Client,
  table: string,
  key: RowKey,
  row: LocalRow,
): Pick<JournalEntry, "table" | "key" | "kind" | "set"> | null {
  const there = client.table(table).get(key);
  if (there === undefined) return { table, key, kind: "insert", set: toColumns(row) };
  const set = difference({ ...row, ...there }, { ...there, ...row });
  return Object.keys(set).length === 0 ? null : { table, key, kind: "update", set };
}

/** One mutation a row: one that the server refuses holds no other back. */
function uidOf(db: Dexie, table: string, key: RowKey): string {
  return `${db.name}:${table}:${JSON.stringify(key)}:${crypto.randomUUID()}`;
}
