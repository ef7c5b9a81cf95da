import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import type { Alias } from "../engine/alias.js";
import {
  type Batch,
  type HeldRow,
  type Meta,
  metaAfter,
  newMeta,
  type RowWrite,
  type Stored,
} from "../engine/batch.js";
import { type Entry, isSaved, resolveAfter, wasOf } from "../engine/entry.js";
import { renumbered, settled } from "../engine/renumber.js";
import { keyText } from "../engine/schema.js";
import { blocksBefore } from "../engine/temporary.js";
import { isLostAbove, type Leadership, type Store, StoreError } from "./store.js";

/** 2: the aliases. */
const VERSION = 2;
const META = "meta";

interface Tables extends DBSchema {
  meta: { key: string; value: Meta };
  rows: { key: [string, string]; value: HeldRow };
  staging: { key: [string, string]; value: HeldRow };
  outbox: { key: number; value: SavedEntry; indexes: { uid: string } };
  aliases: { key: [string, string]; value: StoredAlias };
}

type StoredAlias = Alias & { readonly fromText: string };

type SavedEntry = Entry & { readonly n: number };
type TableName = "meta" | "rows" | "staging" | "outbox" | "aliases";
type Writing = IDBPTransaction<Tables, TableName[], "readwrite">;
type Body<T> = (tx: Writing) => Promise<T>;

const ALL: TableName[] = ["meta", "rows", "staging", "outbox", "aliases"];

/** One IndexedDB database. Inside a transaction only its own requests are awaited: anything else would commit it. */
export class IdbStore implements Store {
  readonly isPersistent = true;
  readonly #name: string;
  readonly #newDevice: () => string;
  readonly #blocked: () => void;
  #db: Promise<IDBPDatabase<Tables>> | null = null;
  #closed = false;

  /** `blocked`: a page of an older version has it open and does not let go, so that opening waits. */
  constructor(name: string, newDevice: () => string, blocked: () => void = () => undefined) {
    this.#name = name;
    this.#newDevice = newDevice;
    this.#blocked = blocked;
  }

  read(kept?: Stored): Promise<Stored> {
    const first = kept ?? { meta: newMeta(this.#newDevice()), rows: [], staging: [], outbox: [] };
    return this.#transaction(ALL, "relaxed", async (tx) => {
      const [known, rows, staging, outbox, aliases] = await Promise.all([
        tx.objectStore("meta").get(META),
        tx.objectStore("rows").getAll(),
        tx.objectStore("staging").getAll(),
        tx.objectStore("outbox").getAll(),
        tx.objectStore("aliases").getAll(),
      ]);
      if (known === undefined) {
        const { meta, rows: held, outbox: entries, aliases: learned } = first;
        const puts = held.map((row): RowWrite => ({ kind: "put", held: row }));
        await all(writes(tx, { rows: puts, entries, aliases: learned ?? [] }, meta));
        return first;
      }
      return { meta: known, rows, staging, outbox, aliases: aliases.map(({ fromText: _text, ...alias }) => alias) };
    });
  }

  reserve(): Promise<number> {
    return this.#transaction(["meta"], "relaxed", async (tx) => {
      const meta = await metaOf(tx);
      const blocks = (meta.blocks ?? blocksBefore(meta.device)) + 1;
      await tx.objectStore("meta").put({ ...meta, blocks }, META);
      return blocks;
    });
  }

  readOutbox(): Promise<Pick<Stored, "meta" | "outbox">> {
    return this.#transaction(["meta", "outbox"], "relaxed", async (tx) => {
      const [meta, outbox] = await Promise.all([metaOf(tx), tx.objectStore("outbox").getAll()]);
      return { meta, outbox };
    });
  }

  append(entry: Entry): Promise<Entry> {
    return this.#transaction(["meta", "outbox"], "strict", async (tx) => {
      const outbox = tx.objectStore("outbox");
      const known = await outbox.index("uid").get(entry.uid);
      if (known !== undefined) return known;
      const meta = await metaOf(tx);
      const ops = await resolved(tx, entry);
      const saved = { ...entry, n: meta.lastN + 1, ops };
      await all([outbox.put(saved), tx.objectStore("meta").put({ ...meta, lastN: saved.n }, META)]);
      return saved;
    });
  }

  remove(n: number): Promise<void> {
    return this.#transaction(["outbox"], "strict", async (tx) => {
      await tx.objectStore("outbox").delete(n);
    });
  }

  lead(): Promise<Leadership> {
    return this.#transaction(["meta"], "strict", async (tx) => {
      const meta = await metaOf(tx);
      const led = { ...meta, generation: meta.generation + 1 };
      await tx.objectStore("meta").put(led, META);
      return led;
    });
  }

  write(generation: number, batch: Batch): Promise<number> {
    const tables = ALL.filter((name) => name === "meta" || isConcerned(name, batch));
    return this.#transaction(tables, "relaxed", async (tx) => {
      const meta = await fenced(tx, generation);
      const number = meta.number + 1;
      await all(writes(tx, batch, { ...metaAfter(meta, batch), number }));
      return number;
    });
  }

  rewrite(generation: number, device: string, lostAbove: number): Promise<void> {
    return this.#transaction(["meta", "outbox", "aliases"], "strict", async (tx) => {
      const meta = await fenced(tx, generation);
      const outbox = tx.objectStore("outbox");
      const { aliases, settle } = settled(meta.schema, await tx.objectStore("aliases").getAll(), lostAbove);
      const next = renumbered(await outbox.getAll(), (entry) => isLostAbove(entry, lostAbove), settle);
      const number = meta.number + 1;
      await outbox.clear();
      await tx.objectStore("aliases").clear();
      await all(aliases.map((alias) => tx.objectStore("aliases").put(storedAlias(alias))));
      await all(next.entries.filter(isSaved).map((entry) => outbox.put(entry)));
      await tx.objectStore("meta").put({ ...meta, device, lastN: next.lastN, acked: 0, number }, META);
    });
  }

  close(): void {
    this.#closed = true;
    void this.#drop();
  }

  /** iOS loses connections in the background: open again and retry once. Both writes with an id can be repeated. */
  async #transaction<T>(tables: TableName[], durability: IDBTransactionDurability, body: Body<T>): Promise<T> {
    try {
      return await this.#attempt(tables, durability, body);
    } catch (error) {
      if (!isLost(error) || this.#closed) throw storeError(error);
    }
    await this.#drop();
    try {
      return await this.#attempt(tables, durability, body);
    } catch (error) {
      throw storeError(error);
    }
  }

  async #attempt<T>(tables: TableName[], durability: IDBTransactionDurability, body: Body<T>): Promise<T> {
    if (this.#closed) throw new StoreError("closed", "The store is closed.");
    this.#db ??= this.#open();
    const db = await this.#db;
    const tx = db.transaction(tables, "readwrite", { durability });
    // A failed commit (quota) is told by `done` only; a failed body must not leave it unhandled.
    const done = tx.done.then(
      () => null,
      (error: unknown) => error ?? new DOMException("The transaction was aborted.", "AbortError"),
    );
    try {
      const result = await body(tx);
      const failure = await done;
      if (failure !== null) throw failure;
      return result;
    } catch (error) {
      abort(tx);
      const failure = await done;
      // When the commit fails, requests fail with AbortError and `done` knows why.
      throw error instanceof DOMException && error.name === "AbortError" ? (failure ?? error) : error;
    }
  }

  #open(): Promise<IDBPDatabase<Tables>> {
    const opening = openDB<Tables>(this.#name, VERSION, {
      upgrade(db, from) {
        if (from < 1) {
          db.createObjectStore("meta");
          db.createObjectStore("rows", { keyPath: ["table", "keyText"] });
          db.createObjectStore("staging", { keyPath: ["table", "keyText"] });
          db.createObjectStore("outbox", { keyPath: "n" }).createIndex("uid", "uid", { unique: true });
        }
        if (from < 2) db.createObjectStore("aliases", { keyPath: ["table", "fromText"] });
      },
      blocked: () => this.#blocked(),
      // A newer version wants to open it, or the person clears the data: do not stand in the way.
      blocking: () => void this.#drop(),
      terminated: () => {
        this.#db = null;
      },
    });
    opening.catch(() => {
      this.#db = null;
    });
    return opening;
  }

  async #drop(): Promise<void> {
    const opened = this.#db;
    this.#db = null;
    await opened?.then(
      (db) => db.close(),
      () => undefined,
    );
  }
}

function isConcerned(name: TableName, batch: Batch): boolean {
  switch (name) {
    case "meta":
      return true;
    case "rows":
      return (batch.rows?.length ?? 0) > 0;
    case "staging":
      return batch.staging !== undefined;
    case "outbox":
      return (batch.entries?.length ?? 0) + (batch.gone?.length ?? 0) > 0;
    case "aliases":
      return (batch.aliases?.length ?? 0) > 0;
    default:
      return name satisfies never;
  }
}

/** The requests of a write, one by one. */
function* writes(tx: Writing, batch: Batch, meta: Meta): IterableIterator<Promise<unknown>> {
  yield tx.objectStore("meta").put(meta, META);
  for (const write of batch.rows ?? []) {
    const rows = tx.objectStore("rows");
    yield write.kind === "put" ? rows.put(write.held) : rows.delete([write.table, write.keyText]);
  }
  for (const entry of (batch.entries ?? []).filter(isSaved)) yield tx.objectStore("outbox").put(entry);
  for (const n of batch.gone ?? []) yield tx.objectStore("outbox").delete(n);
  for (const alias of batch.aliases ?? []) {
    const { table, fromText } = storedAlias(alias);
    const aliases = tx.objectStore("aliases");
    yield fromText === keyText(alias.to) ? aliases.delete([table, fromText]) : aliases.put(storedAlias(alias));
  }
  if (batch.staging?.clear === true) yield tx.objectStore("staging").clear();
  for (const held of batch.staging?.puts ?? []) yield tx.objectStore("staging").put(held);
}

function storedAlias(alias: Alias): StoredAlias {
  return { ...alias, fromText: keyText(alias.from) };
}

/** Starts them all. One that throws at once must not leave those before it unheard when the transaction aborts. */
async function all(requests: Iterable<Promise<unknown>>): Promise<void> {
  const started: Promise<unknown>[] = [];
  for (const request of requests) {
    request.catch(() => undefined);
    started.push(request);
  }
  await Promise.all(started);
}

async function metaOf(tx: Writing): Promise<Meta> {
  const meta = await tx.objectStore("meta").get(META);
  if (meta === undefined) throw new StoreError("emptied", "The store was emptied under this page.");
  return meta;
}

async function fenced(tx: Writing, generation: number): Promise<Meta> {
  const meta = await metaOf(tx);
  if (meta.generation !== generation) throw new StoreError("fenced", "Another tab leads.");
  return meta;
}

/** M3: `after` names a number, and only this transaction knows which. */
async function resolved(tx: Writing, entry: Entry): Promise<Entry["ops"]> {
  const outbox = tx.objectStore("outbox");
  const numbers = new Map<string | number, number>();
  for (const operation of entry.ops) {
    const was = Object.values(wasOf(operation) ?? {});
    for (const seen of was) {
      if (!("afterUid" in seen) && !("after" in seen)) continue;
      const name = "after" in seen ? seen.after : seen.afterUid;
      if (numbers.has(name)) continue;
      const other = await ("after" in seen ? outbox.get(seen.after) : outbox.index("uid").get(seen.afterUid));
      if (other?.state.kind === "pending") numbers.set(name, other.n);
    }
  }
  return resolveAfter(entry.ops, (was) => numbers.get("after" in was ? was.after : was.afterUid) ?? null);
}

function abort(tx: Writing): void {
  try {
    tx.abort();
  } catch {
    // It has ended by itself, which is what was wanted.
  }
}

function isLost(error: unknown): boolean {
  return error instanceof DOMException && (error.name === "UnknownError" || error.name === "InvalidStateError");
}

function storeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const name = error instanceof DOMException ? error.name : "";
  if (name === "QuotaExceededError") return new StoreError("quota", "The device has no room left.", error);
  if (name === "VersionError") return new StoreError("newer", "A newer version of the page has the data.", error);
  return new StoreError("failed", error instanceof Error ? error.message : String(error), error);
}
