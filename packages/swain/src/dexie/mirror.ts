import type { Dexie } from "dexie";
import type { Client } from "../client/client.js";
import { keyText } from "../engine/schema.js";
import { JOURNAL, type JournalEntry, MARK_KEY, type RowKey } from "./journal.js";
import { type LocalRow, type Times, toLocal } from "./values.js";

/** So many rows are looked at in one transaction, so that the application's own are not kept waiting. */
const ROWS_MAX = 500;

/** Brings what the client shows into the database: rows that changed, and at first all. */
export class Mirror {
  readonly #db: Dexie;
  readonly #client: Client;
  readonly #times: Times;
  readonly #dirty = new Map<string, Map<string, RowKey>>();
  /** Under which key a row stood before, for what the application keeps beside the columns. */
  readonly #from = new Map<string, RowKey>();

  constructor(db: Dexie, client: Client, times: Times) {
    this.#db = db;
    this.#client = client;
    this.#times = times;
  }

  /** The row may differ from what the client shows. */
  touch(table: string, key: RowKey): void {
    const keys = this.#dirty.get(table) ?? new Map<string, RowKey>();
    this.#dirty.set(table, keys.set(nameOf(key), key));
  }

  /** The row is under another key now. */
  move(table: string, from: RowKey, to: RowKey): void {
    this.#from.set(`${table} ${nameOf(to)}`, from);
    this.touch(table, from);
    this.touch(table, to);
  }

  async touchAll(tables: readonly string[]): Promise<void> {
    for (const name of tables) {
      for (const key of await this.#db.table<LocalRow, RowKey>(name).toCollection().primaryKeys())
        this.touch(name, key);
      const columns = this.#client.schema?.tables[name]?.key ?? [];
      for (const row of this.#client.query(name).getSnapshot()) {
        const key = columns.map((column) => row[column] as number | string);
        this.touch(name, key.length === 1 ? (key[0] ?? 0) : key);
      }
    }
  }

  /** Rows whose last edit is still in the journal stay as they are: the journal's turn comes first. */
  async write(own: (trans: unknown) => void): Promise<void> {
    while (this.#dirty.size > 0) {
      const batch = this.#take();
      const names = [...new Set(batch.map(({ table }) => table)), JOURNAL];
      const waiting = await this.#db.transaction("rw", names, async (tx) => {
        own((tx as unknown as { readonly idbtrans: unknown }).idbtrans);
        const entries = await this.#db.table<JournalEntry, number>(JOURNAL).where(":id").above(MARK_KEY).toArray();
        const user = this.#client.auth.getSnapshot()?.id ?? null;
        const mine = entries.filter((entry) => entry.user === user);
        const busy = new Set(mine.map(({ table, key }) => `${table} ${nameOf(key)}`));
        const [free, held] = [batch.filter((one) => !isBusy(one, busy)), batch.filter((one) => isBusy(one, busy))];
        // First what is there, so that a row that moves is copied before it goes.
        const gone: typeof free = [];
        for (const one of free) if (!(await this.#put(one.table, one.key))) gone.push(one);
        for (const { table, key } of gone) await this.#db.table(table).delete(key);
        return held;
      });
      if (waiting.length === 0) continue;
      for (const { table, key } of waiting) this.touch(table, key);
      // The drain touches them again when it is through.
      return;
    }
  }

  /** Returns false when the row is not here, or under another key. */
  async #put(name: string, key: RowKey): Promise<boolean> {
    const schema = this.#client.schema?.tables[name];
    const row = this.#client.table(name).get(key);
    if (schema === undefined || row === undefined) return false;
    if (nameOf([this.#client.table(name).resolve(key)].flat() as RowKey) !== nameOf(key)) return false;
    const table = this.#db.table<LocalRow, RowKey>(name);
    const there = await table.get(key);
    const from = this.#from.get(`${name} ${nameOf(key)}`);
    const before = there ?? (from === undefined ? undefined : await table.get(from));
    const local = toLocal(row, schema, before, this.#times);
    if (there !== undefined && JSON.stringify(there) === JSON.stringify(local)) return true;
    const isOutbound = !table.schema.primKey.keyPath;
    await table.put(isOutbound ? withoutKey(local, schema.key) : local, isOutbound ? key : undefined);
    return true;
  }

  #take(): { readonly table: string; readonly key: RowKey }[] {
    const batch: { table: string; key: RowKey }[] = [];
    for (const [table, keys] of this.#dirty) {
      for (const [text, key] of keys) {
        if (batch.length === ROWS_MAX) return batch;
        batch.push({ table, key });
        keys.delete(text);
      }
      this.#dirty.delete(table);
    }
    return batch;
  }
}

function isBusy({ table, key }: { readonly table: string; readonly key: RowKey }, busy: ReadonlySet<string>): boolean {
  return busy.has(`${table} ${nameOf(key)}`);
}

function nameOf(key: RowKey): string {
  return keyText([key].flat());
}

function withoutKey(row: LocalRow, key: readonly string[]): LocalRow {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !key.includes(name)));
}
