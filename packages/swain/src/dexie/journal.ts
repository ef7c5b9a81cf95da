import type { Table } from "dexie";
import type { Client } from "../client/client.js";
import { isObject, type Json } from "../engine/json.js";
import type { Row } from "../engine/schema.js";

/** The store that the add-on adds to the database. Names that begin with $ are out of an application's way. */
export const JOURNAL = "$swain";

/** At this key stands the mark: the rows that were there before the add-on are in the journal. */
export const MARK_KEY = 0;

/** One change of one row, written in the transaction that makes it, so that neither is there without the other. */
export interface JournalEntry {
  /** Of the transaction: its changes become one mutation. */
  readonly uid: string;
  /** Whose edit it is; null: nobody was signed in. */
  readonly user: string | null;
  readonly table: string;
  readonly key: RowKey;
  /** Insert: the whole row. Update: the columns that changed. Null: the row was deleted. */
  readonly kind: "insert" | "update" | "delete";
  readonly set: Row;
}

export type RowKey = number | string | readonly (number | string)[];

/** A transaction with more changes than a mutation may hold becomes several. */
const OPERATIONS_MAX = 400;

export interface Refused {
  readonly error: unknown;
  readonly entries: readonly JournalEntry[];
}

/**
 * Hands what is in the journal to the client, in order, each transaction as one mutation with the journal's uid, and
 * takes it out when the client has saved it: a crash between the two hands it over again, and the uid tells.
 * `isOpen`: the client's store is that of the person who is signed in. Returns the rows that were handed over.
 */
export async function drain(
  journal: Table<JournalEntry, number>,
  client: Client,
  isOpen: () => boolean,
  refused: (what: Refused) => void,
): Promise<readonly JournalEntry[]> {
  const user = client.auth.getSnapshot()?.id ?? null;
  const keys = (await journal.toCollection().primaryKeys()).filter((n) => n > MARK_KEY);
  const all = await journal.bulkGet([...keys]);
  const mine = keys.flatMap((n, i) => {
    const entry = all[i];
    return entry === undefined || entry.user !== user ? [] : [{ n, entry }];
  });
  // What is left when somebody else signs in meanwhile waits for this person.
  while (mine.length > 0 && isOpen()) {
    const uid = mine[0]?.entry.uid;
    let count = mine.findIndex(({ entry }) => entry.uid !== uid);
    if (count < 0) count = mine.length;
    const part = mine.splice(0, Math.min(count, OPERATIONS_MAX));
    await handOver(client, part, refused);
    await journal.bulkDelete(part.map(({ n }) => n));
  }
  return all.filter((entry) => entry?.user === user).filter((entry) => entry !== undefined);
}

async function handOver(
  client: Client,
  part: readonly { readonly n: number; readonly entry: JournalEntry }[],
  refused: (what: Refused) => void,
): Promise<void> {
  const entries = part.map(({ entry }) => entry).filter(({ table }) => client.schema?.tables[table] !== undefined);
  const [first] = part;
  if (entries.length === 0 || first === undefined) return;
  const uid = `${first.entry.uid}:${first.n}`;
  if (client.knows(uid)) return;
  try {
    await client.group(() => entries.forEach((entry) => void apply(client, entry)), uid).saved;
  } catch (error) {
    if (isTransient(error)) throw error;
    // All or nothing: what the client does not take is told, and the rows go back to what the server has.
    refused({ error, entries });
  }
}

function apply(client: Client, { table: name, key, kind, set }: JournalEntry): void {
  const table = client.table(name);
  const isHere = table.get(key) !== undefined;
  if (kind === "delete") {
    if (isHere) table.delete(key);
    return;
  }
  const known = client.schema?.tables[name];
  if (known === undefined) return;
  const writable = Object.fromEntries(
    Object.entries(set).filter(([column]) => {
      const schema = known.columns[column];
      return schema !== undefined && schema.readonly !== true && !known.key.includes(column);
    }),
  );
  if (isHere) {
    if (Object.keys(writable).length > 0) table.update(key, { set: writable });
    return;
  }
  // Somebody deleted it meanwhile: an edit of a row that is gone is no wish to have it back.
  if (kind === "update") return;
  const keys = Array.isArray(key) ? key : [key];
  table.insert({ ...writable, ...Object.fromEntries(known.key.map((column, i) => [column, keys[i]])) });
}

function isTransient(error: unknown): boolean {
  const code = isObject(error as Json) ? (error as { readonly code?: unknown }).code : null;
  return code === "quota_exceeded" || code === "storage_failed" || code === "not_started";
}
