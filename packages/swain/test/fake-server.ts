import { type Alias, Aliases, isTemporary, withKey } from "../src/engine/alias";
import type { Json } from "../src/engine/json";
import { applyOperation, type Operation, targetOf } from "../src/engine/operation";
import type { TransportKind } from "../src/engine/picker";
import { keyText, type Row, type Schema } from "../src/engine/schema";
import type { Socket } from "../src/transport/websocket";
import { FakeHttp } from "./fake-http";
import { FakeRooms } from "./fake-rooms";

type Message = Readonly<Record<string, Record<string, Json>>>;
interface Ledger {
  last: number;
  readonly results: Map<number, Record<string, Json>>;
}

export const SCHEMA: Schema = {
  version: 1,
  tables: {
    games: {
      columns: {
        id: { type: "text" },
        title: { type: "text", null: true },
        score: { type: "int64", null: true, default: true },
        tags: { type: "json", null: true },
      },
      key: ["id"],
    },
  },
};

/** The same table, with ids that the server gives, a unique title, and a column that names another row. */
export const SERIAL: Schema = {
  version: 1,
  tables: {
    games: {
      columns: {
        id: { type: "int64", default: true },
        title: { type: "text", null: true },
        parent: { type: "int64", null: true },
      },
      key: ["id"],
      ids: "server",
      unique: [["title"]],
      references: [{ columns: ["parent"], table: "games" }],
    },
  },
};

/** Speaks the protocol from one table in memory, without rights and conflicts. Everything it does waits for a turn. */
export class FakeServer {
  readonly rows = new Map<string, Row>();
  readonly ledgers = new Map<string, Ledger>();
  readonly sessions = new Set<FakeSession>();
  readonly received: Message[] = [];
  /** M10: by device. */
  readonly aliases = new Map<string, Aliases>();
  readonly rooms = new FakeRooms();
  schema = SCHEMA;
  lastId = 40;
  epoch = "e1";
  pos = 10;
  now = 1_700_000_005_000;
  /** The cable: without it everything fails. */
  isReachable = true;
  /** What something in between lets through. */
  passes: ReadonlySet<TransportKind> = new Set(["websocket", "sse", "poll"]);
  /** What the server is configured with. */
  offers: ReadonlySet<TransportKind> = new Set(["websocket", "sse", "poll"]);
  readonly http = new FakeHttp(this);
  /** Results and changes of a push wait for `release()`. */
  holdsPushes = false;
  chunk = 2;
  refuse: (op: Operation) => string | null = () => null;
  auth: (path: string, body: Readonly<Record<string, Json>>) => { status: number; body: Json } = (path) => ({
    status: path === "logout" ? 200 : 401,
    body: { code: "signed_out", title: "Signed out" },
  });
  readonly #held: (() => void)[] = [];

  readonly socket = (_url: string): Socket => fakeSocket(this);

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    if (!this.isReachable) throw new TypeError("network");
    const { pathname } = new URL(url);
    if (pathname.startsWith("/api/sync/")) return this.http.answer(new URL(url), init);
    const path = pathname.split("/").at(-1) ?? "";
    const { status, body } = this.auth(path, JSON.parse(String(init.body)) as Readonly<Record<string, Json>>);
    return new Response(JSON.stringify(body), { status });
  };

  /** Somebody else changes a row. */
  write(operation: Operation): void {
    this.pos += 1;
    this.#apply([operation]);
    for (const session of this.sessions) session.changes([operation]);
  }

  release(): void {
    this.holdsPushes = false;
    for (const call of this.#held.splice(0)) call();
  }

  cut(code = 1006): void {
    for (const session of [...this.sessions]) session.end(code);
  }

  ledger(device: string): Ledger {
    const known = this.ledgers.get(device) ?? { last: 0, results: new Map() };
    this.ledgers.set(device, known);
    return known;
  }

  /** `answer` gets the results frame. */
  push(device: string, mutations: readonly Mutation[], answer: (results: Json) => void): void {
    const work = (): void => answer(this.#push(device, mutations));
    if (this.holdsPushes) this.#held.push(work);
    else work();
  }

  #push(device: string, mutations: readonly Mutation[]): Json {
    const ledger = this.ledger(device);
    const results: Json[] = [];
    for (const { n, ops } of mutations) {
      if (n > ledger.last + 1) {
        const problem = { code: "mutation_gap", title: "gap", status: 409, detail: `${ledger.last + 1} comes next` };
        return { results: { results, problem } };
      }
      if (n > ledger.last) this.#commit(device, ledger, n, ops);
      results.push(ledger.results.get(n) ?? null);
    }
    return { results: { results } };
  }

  #commit(device: string, ledger: Ledger, n: number, ops: readonly Operation[]): void {
    const code = ops.map(this.refuse).find((one) => one !== null) ?? null;
    const refusal = {
      n,
      status: "refused",
      code,
      detail: { table: "games", columns: ["score"], rule: "score >= 0", message: "no" },
    };
    const result: Record<string, Json> = code === null ? { n, status: "applied" } : refusal;
    ledger.last = n;
    ledger.results.set(n, result);
    this.pos += 1;
    const { named, made } = code === null ? this.#name(device, n, ops) : { named: [], made: [] };
    this.#apply(named);
    for (const one of this.sessions) {
      if (one.device === device) one.changes(named, made);
      else if (code === null) one.changes(named);
    }
  }

  /** M10. */
  #name(device: string, n: number, ops: readonly Operation[]): { named: Operation[]; made: Alias[] } {
    const known = this.aliases.get(device) ?? new Aliases();
    this.aliases.set(device, known);
    const made: Alias[] = [];
    const named = ops.map((given): Operation => {
      const [operation = given] = known.operations(this.schema, [given]);
      const { table, key } = targetOf(operation);
      if (!isTemporary(this.schema.tables[table], key)) return operation;
      this.lastId += 1;
      const alias = { n, table, from: key, to: [this.lastId] };
      known.put(alias);
      made.push(alias);
      return withKey(operation, alias.to);
    });
    return { named, made };
  }

  #apply(ops: readonly Operation[]): void {
    for (const operation of ops) {
      const { table, key } = targetOf(operation);
      const schema = this.schema.tables[table];
      if (schema === undefined) throw new Error(`no table ${table}`);
      const row = applyOperation(this.rows.get(keyText(key)) ?? null, operation, schema);
      if (row === null) this.rows.delete(keyText(key));
      else this.rows.set(keyText(key), row);
    }
  }
}

export interface Mutation {
  readonly n: number;
  readonly ops: readonly Operation[];
}

/** Where a session's frames go. */
export interface Line {
  frame(text: string): void;
  closed(code: number): void;
}

function fakeSocket(server: FakeServer): Socket {
  const socket: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    send: (text) => queueMicrotask(() => session.handle(JSON.parse(text) as Message)),
    close: () => session.leave(),
  };
  const line: Line = {
    frame: (data) => socket.onmessage?.({ data }),
    closed: (code) => socket.onclose?.({ code }),
  };
  const session = new FakeSession(server, line);
  queueMicrotask(() => {
    const isThere = server.isReachable && server.passes.has("websocket") && server.offers.has("websocket");
    if (!isThere) return socket.onclose?.({ code: 1006 });
    session.begin();
    socket.onopen?.();
  });
  return socket;
}

export class FakeSession {
  readonly #server: FakeServer;
  readonly #line: Line;
  readonly #isNumbered: boolean;
  device = "";
  #isOpen = false;
  #frames = 0;

  constructor(server: FakeServer, line: Line, isNumbered = true) {
    this.#server = server;
    this.#line = line;
    this.#isNumbered = isNumbered;
  }

  begin(): void {
    this.#isOpen = true;
    this.#server.sessions.add(this);
  }

  send(message: Json): void {
    if (!this.#isOpen) return;
    this.#frames += 1;
    const text = JSON.stringify(this.#isNumbered ? withNumber(message, this.#frames) : message);
    queueMicrotask(() => {
      if (this.#isOpen) this.#line.frame(text);
    });
  }

  changes(ops: readonly Operation[], made: readonly Alias[] = []): void {
    if (this.device === "") return;
    const keys = new Set(ops.map((operation) => keyText(targetOf(operation).key)));
    const rows = [...keys].map((text): Json => {
      const row = this.#server.rows.get(text);
      const key = JSON.parse(text) as Json;
      return row === undefined ? { remove: { table: "games", key } } : { put: { table: "games", key, in: [0], row } };
    });
    const alias = made as unknown as Json;
    this.send({ changes: { ...this.#moved(), at: this.#server.now, alias, rows } });
  }

  end(code: number): void {
    if (!this.#isOpen) return;
    this.leave();
    queueMicrotask(() => this.#line.closed(code));
  }

  leave(): void {
    this.#isOpen = false;
    this.#server.rooms.leave(this, null);
    this.#server.sessions.delete(this);
  }

  handle(message: Message): void {
    if (!this.#isOpen) return;
    this.#server.received.push(message);
    const { hello, push, presence } = message;
    if (hello !== undefined) this.hello(hello);
    if (presence !== undefined) this.#server.rooms.say(this, presence);
    if (push === undefined) return;
    this.#server.push(this.device, push.mutations as unknown as readonly Mutation[], (results) => this.send(results));
  }

  hello(hello: Readonly<Record<string, Json>>): void {
    const server = this.#server;
    this.device = String(hello.device);
    const ledger = server.ledger(this.device);
    const cursor = typeof hello.cursor === "string" ? (JSON.parse(hello.cursor) as Record<string, Json>) : null;
    const isLive = cursor?.epoch === server.epoch;
    const from = typeof hello.load === "string" && !isLive ? Number(hello.load.slice(1)) : null;
    this.send({
      welcome: {
        protocol: 1,
        epoch: server.epoch,
        user: "u",
        role: "user",
        device: this.device,
        now: server.now,
        heartbeat: 15_000,
        expires: null,
        shapes: [{ state: isLive ? "live" : "load" }],
        last: ledger.last,
        results: [...ledger.results.values()].filter((result) => Number(result.n) > Number(hello.acked)),
        alias: (server.aliases.get(this.device)?.all() ?? []).filter(
          (alias) => alias.n > Number(hello.acked),
        ) as unknown as Json,
        ...(hello.schema === server.schema.version ? {} : { schema: server.schema as unknown as Json }),
        load: isLive ? null : from === null ? "start" : "resume",
        limits: { push_mutations: 50, push_bytes: 1_048_576, mutation_ops: 500 },
      },
    });
    this.#catchUp(isLive, Number(cursor?.pos ?? 0), from ?? 0);
  }

  #catchUp(isLive: boolean, pos: number, from: number): void {
    const rows = [...this.#server.rows.values()];
    if (isLive && pos < this.#server.pos) {
      // The fake has no log: it puts every row again at the head.
      this.send({ changes: { ...this.#moved(), at: 0, rows: rows.map(putOf) } });
    }
    if (!isLive) {
      for (let i = from; i < rows.length; i += this.#server.chunk) {
        const chunk = rows.slice(i, i + this.#server.chunk);
        const token = `t${i + chunk.length}`;
        this.send({ load: { shape: 0, rows: chunk as unknown as Json, total: rows.length, token } });
      }
      this.send({ load_end: { ...this.#moved(), shapes: [0], at: this.#server.now } });
    }
    this.send({ caught_up: { ...this.#moved(), now: this.#server.now } });
  }

  #moved(): Readonly<Record<string, Json>> {
    const { epoch, pos } = this.#server;
    return { cursor: JSON.stringify({ epoch, pos }), pos, tag: pos, acked: this.#server.ledger(this.device).last };
  }
}

/** P19. */
function withNumber(message: Json, i: number): Json {
  const bodies = Object.entries(message as Readonly<Record<string, Readonly<Record<string, Json>>>>);
  return Object.fromEntries(bodies.map(([kind, body]) => [kind, { i, ...body }]));
}

function putOf(row: Row): Json {
  return { put: { table: "games", key: [row.id ?? null], in: [0], row } };
}
