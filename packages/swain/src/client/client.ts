import { Auth, type User } from "../auth/auth.js";
import { FIRST_DELAY_MS } from "../engine/backoff.js";
import type { Change, ChangedRow } from "../engine/batch.js";
import { newMeta } from "../engine/batch.js";
import { Draft, toKey } from "../engine/draft.js";
import type { Entry } from "../engine/entry.js";
import type { Indexes } from "../engine/index-rows.js";
import type { JsonObject } from "../engine/json.js";
import type { Operation } from "../engine/operation.js";
import { Pace, type PaceOptions } from "../engine/pace.js";
import { Replica, type RowState } from "../engine/replica.js";
import { keyText, type Row, type Schema } from "../engine/schema.js";
import type { Selection } from "../engine/select.js";
import { type Shape, shapeId } from "../engine/shape.js";
import { uuidV7 } from "../engine/uuid.js";
import { browserEnvironment, type Environment } from "../environment.js";
import { SwainError } from "../error.js";
import type { Tab } from "../tabs/tab.js";
import { pickingTransport, type TransportOptions } from "../transport/choice.js";
import type { PickingTransport } from "../transport/picking.js";
import { INBOX_TABLE, Inbox } from "./inbox.js";
import { type Inspection, inspect } from "./inspection.js";
import { type Live, LiveQuery, type QuerySource } from "./live-query.js";
import { LiveRow } from "./live-row.js";
import { openTab } from "./open.js";
import { type Mutation, Settlements } from "./settlements.js";
import { callAll, Derived, Signal, type Watchable } from "./signal.js";
import { type DeadLetter, deadLettersOf, NO_STATUS, type Status, statusOf } from "./status.js";
import { type Editing, type KeyInput, Table } from "./table.js";

export interface ClientOptions extends TransportOptions, PaceOptions {
  /** Of the server, like "https://example.org". Default: where the page came from. */
  readonly url?: string;
  /** P1: at most 64; what this device holds. */
  readonly shapes: readonly Shape[];
  /**
   * M15, M16: hold the inbox as well, so that `client.inbox` has what waits on other devices and for others. The server
   * has one when a table of its configuration says `inbox = true` or leaves something to a person.
   */
  readonly inbox?: boolean;
  /** Columns by table: a query that asks for a value of one looks at no other rows. */
  readonly indexes?: Indexes;
  /** C8: the first wait before a reconnect, ms. Default 1000. */
  readonly firstDelayMs?: number;
  /** C8: so many attempts in a row without an answer, and it waits for `resume()` or `sync()`. Default: no limit. */
  readonly attempts?: number;
  /** Keep nothing on the device. */
  readonly memory?: boolean;
  /** Hears every frame, choice of a transport and storage error, one line each; true: the console does. */
  readonly debug?: boolean | ((line: string) => void);
  /** For tests: replaces parts of what the page gives. */
  readonly environment?: Partial<Environment>;
}

export interface ClientAuth extends Watchable<User | null> {
  /** Both open that person's store. Reject with the server's code, or `offline`. */
  signup(input: { readonly email: string; readonly password: string; readonly name?: string }): Promise<User>;
  login(input: { readonly email: string; readonly password: string }): Promise<User>;
  /** Ends every other sign-in of this person. Rejects with `wrong_credentials`, or `offline`. */
  changePassword(input: { readonly current: string; readonly next: string }): Promise<User>;
  /** A forgotten password: a mail with a link, if somebody has this address. */
  requestReset(email: string): Promise<void>;
  /** With the token of the link (`location.hash` is `#reset=TOKEN`): another password, signed in, everywhere else signed out. */
  resetPassword(input: { readonly token: string; readonly password: string }): Promise<User>;
  /** With the token of a link (`#verify=TOKEN`): the address is verified. Without: a mail with such a link. */
  verify(token?: string): Promise<void>;
  /**
   * `unsent`: edits that stay on this device and are sent when the same person signs in again.
   * `everywhere`: on all devices of the person; rejects with `offline` when the server is not reached.
   */
  logout(options?: { readonly everywhere?: boolean }): Promise<{ readonly unsent: number }>;
}

/** A live query. */
export interface Query<T> extends Watchable<readonly T[]> {
  /** The rows, once this run has caught up with the server. */
  fresh(): Promise<readonly T[]>;
}

/** See README.md; everything is synchronous that can be. */
export class Client {
  readonly auth: ClientAuth;
  /** Conflicts and refusals that wait for this person. */
  readonly inbox: Inbox;
  /** What scripts beside this one keep of a client, by their names. */
  readonly addOns = new Map<string, unknown>();
  readonly #status = new Signal<Status>(NO_STATUS);
  readonly #refused = new Signal<readonly DeadLetter[]>([]);
  readonly #user: Signal<User | null>;
  readonly #environment: Environment;
  readonly #options: ClientOptions;
  readonly #origin: string;
  readonly #auth: Auth;
  readonly #transport: PickingTransport;
  readonly #debug: (line: string) => void;
  readonly #settlements = new Settlements();
  readonly #lives = new Set<Live>();
  readonly #versions = new Map<string, number>();
  readonly #source: QuerySource;
  readonly #editing: Editing;
  readonly #changeCalls = new Set<(change: Change) => void>();
  readonly #heardCalls = new Set<(body: JsonObject) => void>();
  readonly #lineCalls = new Set<(line: string) => void>();
  readonly #changes: Change[] = [];
  readonly #stops: (() => void)[] = [];
  #tab: Tab | null = null;
  #replica: Replica | null = null;
  #draft: Draft | null = null;
  #generation = 0;
  #opening: Promise<void> = Promise.resolve();
  #shapes: readonly Shape[];
  #isStarted = false;
  #isTelling = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#shapes = this.#withInbox(options.shapes);
    this.#environment = { ...browserEnvironment(), ...options.environment };
    // Rendered on a server there is no page, and nothing is started there.
    this.#origin = (options.url ?? globalThis.location?.origin ?? "").replace(/\/+$/, "");
    const debug = debugOf(options.debug);
    this.#debug = (line) => {
      debug(line);
      for (const call of this.#lineCalls) call(line);
    };
    this.#transport = pickingTransport(this.#environment, this.#origin, options, this.#debug);
    this.#auth = new Auth(this.#environment, this.#origin, () => this.#handleUser());
    this.#user = new Signal(this.#auth.user);
    const client = this;
    this.#source = {
      get replica() {
        return client.#replica;
      },
      version: (table) => this.#generation + (this.#versions.get(table) ?? 0),
      watch: (live) => {
        this.#lives.add(live);
        return () => this.#lives.delete(live);
      },
      fresh: () => this.fresh(),
    };
    this.#editing = {
      get draft() {
        return client.#draft;
      },
      replica: () => this.#replicaOrEmpty(),
      edit: (change) => this.#edit(change),
    };
    this.auth = {
      subscribe: this.#user.subscribe,
      getSnapshot: this.#user.getSnapshot,
      signup: (input) => this.#signIn(this.#auth.signup(input)),
      login: (input) => this.#signIn(this.#auth.login(input)),
      changePassword: (input) => this.#auth.changePassword(input),
      requestReset: (email) => this.#auth.requestReset(email),
      resetPassword: (input) => this.#signIn(this.#auth.resetPassword(input)),
      verify: (token) => this.#auth.verify(token ?? null),
      logout: (options) => this.#signOut(options?.everywhere === true),
    };
    this.inbox = this.#inbox();
  }

  #inbox(): Inbox {
    const client = this;
    return new Inbox({
      rows: this.query(INBOX_TABLE),
      refused: this.#refused,
      get device() {
        return client.#replicaOrEmpty().meta.device;
      },
      group: (change) => this.group(change),
      set: (table, key, values) => void this.table(table).update(key, { set: values }),
      again: (ops) => {
        this.#edit((draft) => {
          for (const operation of ops) draft.again(operation);
        });
      },
      discard: (n) => this.discard(n),
    });
  }

  #withInbox(shapes: readonly Shape[]): readonly Shape[] {
    const has = shapes.some(({ table }) => table === INBOX_TABLE);
    return this.#options.inbox === true && !has ? [...shapes, { table: INBOX_TABLE }] : shapes;
  }

  get status(): Watchable<Status> {
    return this.#status;
  }

  get refused(): Watchable<readonly DeadLetter[]> {
    return this.#refused;
  }

  /** Resolves when what this device holds is visible, with or without a network. Rejects with `store_newer`. */
  start(): Promise<void> {
    if (this.#isStarted) return this.#opening;
    this.#isStarted = true;
    const { page } = this.#environment;
    if (page !== null) {
      this.#stops.push(
        // Before the wake, which may connect.
        page.onOnline(() => this.#transport.handleOnline()),
        page.onWake(() => this.#tab?.switch("wake")),
        page.onHidden(() => this.#tab?.switch("hidden")),
        page.onHide(() => void this.#closeTab()),
        page.onRestore(() => void this.#reopen()),
        page.onStored(this.#auth.storageName, () => this.#auth.handleStored()),
        page.offer(this),
      );
    }
    return this.#reopen();
  }

  table<T extends object = Row>(name: string): Table<T> {
    return new Table<T>(name, this.#editing);
  }

  /**
   * Several operations as one mutation, all or nothing. `change` runs at once and must not be async.
   * `uid`: for what hands its edits over from a storage of its own; see `knows`.
   */
  group(change: () => void, uid: string = this.#environment.uuid()): Mutation {
    if (this.#draft !== null) throw new SwainError("group_in_group", "A group cannot hold another.");
    return this.#edit((draft) => {
      this.#draft = draft;
      try {
        const result: unknown = change();
        if (result instanceof Promise) {
          throw new SwainError("group_async", "The function of a group must not be async.");
        }
      } finally {
        this.#draft = null;
      }
    }, uid);
  }

  /** Whether the outbox has a mutation of this uid; acknowledged ones stay for a day. */
  knows(uid: string): boolean {
    return this.#replicaOrEmpty().outbox.knows(uid);
  }

  /** What the server has said of its tables; null before the first connection. */
  get schema(): Schema | null {
    return this.#replicaOrEmpty().meta.schema;
  }

  /** C19: a key for a new row of a table whose ids the server gives. */
  temporaryId(): number {
    return this.#started().temporaryIds.draw();
  }

  query<T extends object = Row>(table: string, selection: Selection = {}): Query<T> {
    return new LiveQuery(this.#source, table, selection) as unknown as Query<T>;
  }

  /** One row, live; undefined while it is not here. */
  row<T extends object = Row>(table: string, key: KeyInput): Watchable<T | undefined> {
    return new LiveRow(this.#source, table, () => this.table(table).get(key)) as unknown as Watchable<T | undefined>;
  }

  /** How many rows there are, live; a limit does not count. */
  count(table: string, where: Selection["where"] = {}): Watchable<number> {
    return new Derived(new LiveQuery(this.#source, table, { where }), (rows) => rows.length);
  }

  /** Resolves when this run has caught up with the server: what is shown is no longer old. */
  fresh(): Promise<void> {
    return new Promise((resolve) => {
      let stop = (): void => undefined;
      const look = (): void => {
        if (this.#status.getSnapshot().cached) return;
        stop();
        resolve();
      };
      stop = this.#status.subscribe(look);
      look();
    });
  }

  /**
   * C25: what this store holds from now on, in all its tabs. What no shape holds any longer leaves the screen at once
   * and the device when the server has answered; edits of it are sent all the same.
   */
  async setShapes(shapes: readonly Shape[]): Promise<void> {
    this.#shapes = this.#withInbox(shapes);
    await this.#opening;
    await this.#started().setShapes(this.#shapes);
    this.#refreshStatus();
  }

  rowState(table: string, key: KeyInput): RowState {
    const replica = this.#replicaOrEmpty();
    const schema = replica.meta.schema?.tables[table];
    if (schema === undefined) return "synced";
    return replica.rowState(table, keyText(replica.resolve(table, toKey(schema, table, key))));
  }

  /** C15: the same wish as a new mutation, based on what is visible now; `edit` may change its operations. */
  async retry(n: number, edit?: (ops: readonly Operation[]) => readonly Operation[]): Promise<Mutation> {
    const entry = this.#tab?.replica.outbox.entry(n);
    if (entry?.state.kind !== "refused") throw new SwainError("not_refused", `There is no refused mutation ${n}.`);
    const ops = edit?.(entry.ops) ?? entry.ops;
    const mutation = this.#edit((draft) => {
      for (const operation of ops) draft.again(operation);
    });
    await mutation.saved;
    await this.discard(n);
    return mutation;
  }

  /** Gives a refused mutation up. */
  async discard(n: number): Promise<void> {
    const tab = this.#started();
    if (tab.replica.outbox.entry(n)?.state.kind !== "refused") {
      throw new SwainError("not_refused", `There is no refused mutation ${n}.`);
    }
    await tab.discard(n);
  }

  /** Pushes what waits and resolves when everything is current; rejects with `offline` when this attempt fails. */
  sync(): Promise<void> {
    return this.#tab === null
      ? Promise.reject(new SwainError("offline", "The client is not started."))
      : this.#tab.sync();
  }

  /** The network cable of this store, whichever tab is connected. */
  pause(): void {
    this.#tab?.switch("pause");
  }

  resume(): void {
    this.#tab?.switch("resume");
  }

  /** C13: once per applied position, in order, and for local edits. */
  onChange(call: (change: Change) => void): () => void {
    this.#changeCalls.add(call);
    return () => this.#changeCalls.delete(call);
  }

  /** P28: for `swain/presence`, which has the rooms. Lost while there is no stream. */
  say(body: JsonObject): void {
    this.#tab?.say(body);
  }

  /** P28: what the server tells of others, in any tab of the store. */
  onHeard(call: (body: JsonObject) => void): () => void {
    this.#heardCalls.add(call);
    return () => this.#heardCalls.delete(call);
  }

  /** For a developer's panel: what this tab holds now. */
  inspect(): Inspection {
    return inspect(this.#replicaOrEmpty(), this.#shapes);
  }

  /** For a developer's panel: the lines of `debug`, from now on. */
  onLine(call: (line: string) => void): () => void {
    this.#lineCalls.add(call);
    return () => this.#lineCalls.delete(call);
  }

  /** Resolves when what was under way is on the device. */
  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    await this.#opening.catch(() => undefined);
    await this.#closeTab();
  }

  // The store of the person who is signed in.

  #handleUser(): void {
    this.#user.set(this.#auth.user);
    if (this.#isStarted) void this.#reopen();
  }

  async #signIn(signing: Promise<User>): Promise<User> {
    const user = await signing;
    await this.#opening;
    // The same person again, after the sign-in had expired.
    if (this.#tab?.status.state === "stopped") this.#tab.switch("resume");
    return user;
  }

  async #signOut(everywhere: boolean): Promise<{ readonly unsent: number }> {
    const unsent = this.#tab?.replica.outbox.pendingCount ?? 0;
    await this.#auth.logout(everywhere);
    await this.#opening;
    return { unsent };
  }

  #reopen(): Promise<void> {
    const opening = this.#opening
      .catch(() => undefined)
      .then(async () => {
        await this.#closeTab();
        const tab = await this.#open();
        this.#tab = tab;
        this.#replica = tab.replica;
        this.#refreshAll();
      });
    this.#opening = opening;
    opening.catch(() => undefined);
    return opening;
  }

  #open(): Promise<Tab> {
    const {
      indexes = {},
      firstDelayMs = FIRST_DELAY_MS,
      attempts = Number.POSITIVE_INFINITY,
      memory = false,
    } = this.#options;
    const environment = this.#environment;
    const userId = this.#auth.user?.id ?? null;
    let replica: Replica | null = null;
    const isCurrent = (): boolean => replica === null || this.#replica === replica;
    const token = async (fresh: boolean): Promise<string | null> => {
      const answer = await this.#auth.token(fresh);
      // Another person signed in, and this store is about to be closed.
      if ((this.#auth.user?.id ?? null) !== userId) throw new SwainError("offline", "Somebody else signed in.");
      return answer;
    };
    const options = {
      environment,
      origin: this.#origin,
      userId,
      memory,
      shapes: this.#shapes,
      indexes,
      reconnect: { firstMs: firstDelayMs, attemptsMax: attempts },
      pace: new Pace(this.#options),
      transport: this.#transport,
      token,
      blocked: () => this.#status.set({ ...this.#status.getSnapshot(), problem: BLOCKED }),
      debug: this.#debug,
    };
    const opening = openTab(options, {
      changed: (change, entries, moved) => {
        if (isCurrent()) this.#handleChange(change, entries, moved);
      },
      status: () => {
        if (isCurrent()) this.#refreshStatus();
      },
      heard: (body) => {
        if (isCurrent()) callAll(this.#heardCalls, body);
      },
    });
    return opening.then((tab) => {
      replica = tab.replica;
      return tab;
    });
  }

  async #closeTab(): Promise<void> {
    const tab = this.#tab;
    this.#tab = null;
    await tab?.close();
  }

  #started(): Tab {
    if (this.#tab === null) throw new SwainError("not_started", "Call start() first, and await it.");
    return this.#tab;
  }

  #replicaOrEmpty(): Replica {
    this.#replica ??= new Replica({ meta: newMeta(""), rows: [], staging: [], outbox: [] }, this.#shapes.map(shapeId));
    return this.#replica;
  }

  // Edits.

  #edit(change: (draft: Draft) => void, uid = this.#environment.uuid()): Mutation {
    if (this.#draft !== null) {
      change(this.#draft);
      return IN_GROUP;
    }
    const tab = this.#started();
    const environment = this.#environment;
    const newId = (): string => uuidV7(environment.now(), () => environment.random());
    const draft = new Draft(tab.replica, newId, () => tab.temporaryIds.draw());
    change(draft);
    const ops = draft.operations();
    return this.#settlements.mutation(uid, tab.mutate(uid, ops));
  }

  // Changes.

  /** A callback may edit; what that changes is told after what is being told. */
  #handleChange(change: Change, entries: readonly Entry[], moved: boolean): void {
    const tables = new Set(change.rows.map((row) => row.table));
    for (const table of tables) this.#versions.set(table, (this.#versions.get(table) ?? 0) + 1);
    this.#settlements.handle(entries);
    if (moved || change.rows.length + change.aliases.length > 0) this.#changes.push(change);
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let next = this.#changes.shift(); next !== undefined; next = this.#changes.shift()) this.#tell(next);
    } finally {
      this.#isTelling = false;
    }
    this.#refreshStatus();
  }

  #tell(change: Change): void {
    const rows = new Map<string, ChangedRow[]>();
    for (const row of change.rows) {
      const others = rows.get(row.table);
      if (others === undefined) rows.set(row.table, [row]);
      else others.push(row);
    }
    for (const live of [...this.#lives]) {
      const changed = rows.get(live.table);
      if (changed !== undefined) live.refresh(changed);
    }
    callAll(this.#changeCalls, change);
  }

  #refreshAll(): void {
    this.#generation += 1_000_000_000;
    for (const live of [...this.#lives]) live.refresh(null);
    this.#refreshStatus();
  }

  #refreshStatus(): void {
    const tab = this.#tab;
    if (tab === null) return;
    this.#status.set(statusOf(tab, this.#status.getSnapshot()));
    this.#refused.set(deadLettersOf(tab, this.#refused.getSnapshot()));
  }
}

const BLOCKED = { code: "storage_blocked", title: "Another tab has an older version of this page. Close it." };
const REFERS_TO_GROUP = new SwainError("in_group", "Await the mutation that group() returns.");
const IN_GROUP: Mutation = {
  n: undefined,
  get saved() {
    return Promise.reject(REFERS_TO_GROUP);
  },
  get synced() {
    return Promise.reject(REFERS_TO_GROUP);
  },
};

function debugOf(option: ClientOptions["debug"]): (line: string) => void {
  if (typeof option === "function") return option;
  // biome-ignore lint/suspicious/noConsole: the application asked for it.
  return option === true ? (line) => console.debug(`swain: ${line}`) : () => undefined;
}

export function createClient(options: ClientOptions): Client {
  return new Client(options);
}
