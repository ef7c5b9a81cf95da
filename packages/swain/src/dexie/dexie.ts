import type { Dexie, Version } from "dexie";
import { type Client, type ClientOptions, createClient, type Reference } from "../index.js";
import { drain, JOURNAL, type JournalEntry, type Refused, type RowKey } from "./journal.js";
import { middleware, type Sync } from "./middleware.js";
import { Mirror } from "./mirror.js";
import { uploadOnce } from "./upload.js";
import type { Times } from "./values.js";

export interface DexieSyncOptions extends Omit<ClientOptions, "shapes"> {
  /** Default: all tables of the database. */
  readonly tables?: readonly string[];
  /** What columns of type time are in the application's rows. Default "date". */
  readonly times?: Times;
  /** Wait until somebody is signed in before anything is sent. */
  readonly signedIn?: boolean;
  /** Edits that the client itself does not take, like text in a column of numbers; default: the console says so. */
  readonly onRefused?: (what: Refused) => void;
}

/** `new Dexie("name", { addons: [swain()] })`: the database's tables are kept the same as the server's. */
export function swain(options: DexieSyncOptions = {}): (db: Dexie) => void {
  return (db) => void new DexieSync(db, options);
}

/** The client of a database that has the add-on: its status, sign-in, refused edits. */
export function clientOf(db: Dexie): Client {
  const sync = SYNCS.get(db);
  if (sync === undefined) throw new Error(`The database ${db.name} has no Swain add-on.`);
  return sync.client;
}

const SYNCS = new WeakMap<Dexie, DexieSync>();

class DexieSync implements Sync {
  readonly #db: Dexie;
  readonly #options: DexieSyncOptions;
  readonly #own = new WeakSet<object>();
  #client: Client | null = null;
  #mirror: Mirror | null = null;
  #isUploaded = false;
  /** Whose store the client opens, and whose is open: between a sign-in and the opening it is still the other person's. */
  #expected: string | null = null;
  #opened: string | null = null;
  #working: Promise<void> = Promise.resolve();
  #isAsked = false;

  constructor(db: Dexie, options: DexieSyncOptions) {
    this.#db = db;
    this.#options = options;
    SYNCS.set(db, this);
    const versions: Version = db.Version.prototype;
    const { stores } = versions;
    versions.stores = function (schema) {
      return stores.call(this, { ...schema, [JOURNAL]: "++" });
    };
    // Inside the hooks of the application, which may still change a row.
    db.use({ stack: "dbcore", name: "swain", level: 1, create: (core) => middleware(core, this) });
    db.on("ready", () => this.#start(), true);
  }

  get client(): Client {
    this.#client ??= createClient({ ...this.#options, shapes: this.#tables.map((table) => ({ table })) });
    return this.#client;
  }

  isSynced(table: string): boolean {
    const { schema } = this.client;
    const isThere = schema === null || schema.tables[table] !== undefined;
    return isThere && this.#tables.includes(table);
  }

  isWatched(trans: object): boolean {
    return !this.#own.has(trans);
  }

  newKey(table: string): RowKey {
    const ids = this.client.schema?.tables[table]?.ids ?? "server";
    if (ids === "server") return this.client.temporaryId();
    throw new Error(`${table}: the server's table has no counted key; give one.`);
  }

  resolve(table: string, key: unknown): unknown {
    const isTemporary = typeof key === "number" && key < 0;
    const isKnown = this.#client?.schema?.tables[table] !== undefined;
    return isTemporary && isKnown ? this.client.table(table).resolve(key) : key;
  }

  named(table: string, column: string): string | null {
    const references = this.client.schema?.tables[table]?.references ?? [];
    const isIt = ({ columns }: Reference): boolean => columns.length === 1 && columns[0] === column;
    return references.find(isIt)?.table ?? null;
  }

  user(): string | null {
    return this.client.auth.getSnapshot()?.id ?? null;
  }

  committed(): void {
    this.#ask();
  }

  get #tables(): readonly string[] {
    const all = this.#db.tables.map(({ name }) => name).filter((name) => name !== JOURNAL);
    return this.#options.tables ?? all;
  }

  /** Resolves when the client has what it knows without a network; queries wait for that. */
  async #start(): Promise<void> {
    const { client } = this;
    await client.start();
    if (this.#mirror !== null) return;
    this.#expected = this.#opened = this.user();
    this.#mirror = new Mirror(this.#db, client, this.#options.times ?? "date");
    client.onChange((change) => {
      for (const { table, key } of change.rows) if (this.isSynced(table)) this.#mirror?.touch(table, local(key));
      for (const { table, from, to } of change.aliases) this.#mirror?.move(table, local(from), local(to));
      this.#ask();
    });
    client.auth.subscribe(() => {
      const user = this.user();
      if (user === this.#expected) return;
      this.#expected = user;
      // The client opens the store of the other person behind this call.
      queueMicrotask(() => {
        client.start().then(
          () => {
            if (user !== this.#expected) return;
            this.#isUploaded = false;
            this.#opened = user;
            this.#ask();
          },
          (error: unknown) => warn("it is tried again", error),
        );
      });
    });
    client.fresh().then(
      () => this.#ask(),
      () => undefined,
    );
    this.#ask();
  }

  /** One after the other; one more round for what came meanwhile. */
  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#working = this.#working
      .then(() => this.#alone(() => this.#work()))
      // The journal has what is not done; the next round takes it up.
      .catch((error: unknown) => warn("it is tried again", error));
  }

  async #work(): Promise<void> {
    this.#isAsked = false;
    const { client } = this;
    const mirror = this.#mirror;
    const isAllowed = this.#options.signedIn !== true || this.user() !== null;
    if (mirror === null || client.schema === null || !isAllowed || this.#db.hasBeenClosed()) return;
    const isOpen = (): boolean => this.#opened === this.user();
    if (!isOpen()) return;
    const own = (trans: unknown): void => void this.#own.add(trans as object);
    const tables = this.#tables.filter((table) => client.schema?.tables[table] !== undefined);
    if (!this.#isUploaded) {
      // What the server has is known first, so that no row of it is taken for one of this device alone.
      if (client.status.getSnapshot().cached && !(await this.#hasMark())) return;
      await uploadOnce(this.#db, client, tables, own, isOpen);
      this.#isUploaded = true;
      await mirror.touchAll(tables);
    }
    const journal = this.#db.table<JournalEntry, number>(JOURNAL);
    for (const { table, key } of await drain(journal, client, isOpen, this.#refused)) mirror.touch(table, key);
    await mirror.write(own);
  }

  async #hasMark(): Promise<boolean> {
    return (await this.#db.table(JOURNAL).get(0)) !== undefined;
  }

  readonly #refused = (what: Refused): void => {
    const { onRefused } = this.#options;
    if (onRefused !== undefined) onRefused(what);
    else warn("an edit was not taken", what.error, what.entries);
  };

  /** One tab at a time hands over and mirrors. */
  async #alone(work: () => Promise<void>): Promise<void> {
    const { locks } = globalThis.navigator ?? {};
    if (locks === undefined) return work();
    await locks.request(`swain:dexie:${this.#db.name}`, work);
  }
}

function local(key: readonly unknown[]): RowKey {
  return (key.length === 1 ? key[0] : key) as RowKey;
}

function warn(...what: readonly unknown[]): void {
  // biome-ignore lint/suspicious/noConsole: nobody else hears of it.
  console.warn("swain:", ...what);
}
