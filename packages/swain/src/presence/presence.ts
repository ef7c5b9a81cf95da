import type { Client } from "../client/client.js";
import { Signal, type Watchable } from "../client/signal.js";
import type { KeyInput } from "../client/table.js";
import type { Json, JsonObject } from "../engine/json.js";
import type { Filter, Shape } from "../engine/shape.js";
import { SwainError } from "../error.js";
import { type Other, People } from "./people.js";

export type { Other };

/** One value of a scope column; none: the whole table, when its rows belong to nobody in particular. */
export type Scope = Readonly<Record<string, Json>>;

/** P28: a room, as long as this tab is in it. `others` in the order in which they came. */
export interface Room {
  readonly others: Watchable<readonly Other[]>;
  /** Why this tab is not in the room, like `not_allowed`; null: nothing is known against it. */
  readonly problem: Watchable<string | null>;
  /** Where this tab is and whatever else the others shall know: at most 2 kB, the latest counts. */
  set(state: { readonly row?: KeyInput | null } & Readonly<Record<string, unknown>>): void;
  /** Once for each `joinRoom`. */
  leave(): void;
}

/** Limit of the server, in bytes of JSON. */
const STATE_BYTES_MAX = 2048;
/** Nobody sees more often. */
const INTERVAL_MS = 50;

/**
 * Enters a room of a table that the client holds, and says so until `leave()`. Whoever joins the same room twice in one
 * tab is there once. Nothing of it is stored, and nothing of it is there without a connection.
 */
export function joinRoom(client: Client, table: string, scope: Scope = {}): Room {
  const lobby = (client.addOns.get(ADD_ON) as Lobby | undefined) ?? new Lobby(client);
  client.addOns.set(ADD_ON, lobby);
  return lobby.join(table, scope);
}

/** The hooks have a copy of this file, and a tab is in a room once. */
const ADD_ON = "presence";

/** All rooms of one tab. */
class Lobby {
  readonly #client: Client;
  readonly #tab = crypto.randomUUID();
  readonly #rooms = new Map<string, Seat>();
  #stop: (() => void) | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  join(table: string, scope: Scope): Room {
    const [first, ...more] = Object.entries(scope);
    if (more.length > 0) throw new SwainError("bad_room", "A room is one value of one column.");
    const where: Filter | undefined = first === undefined ? undefined : { eq: [first[0], first[1]] };
    const shape: Shape = where === undefined ? { table } : { table, where };
    const name = JSON.stringify(shape);
    const seat = this.#rooms.get(name) ?? new Seat(this.#client, shape, (body) => this.#say(body));
    this.#rooms.set(name, seat);
    this.#listen();
    seat.handles += 1;
    if (seat.handles === 1) seat.say();
    let isLeft = false;
    return {
      others: seat.others,
      problem: seat.problem,
      set: (state) => seat.set(state),
      leave: () => {
        if (isLeft) return;
        isLeft = true;
        seat.handles -= 1;
        if (seat.handles > 0) return;
        seat.end();
        this.#rooms.delete(name);
        this.#say(this.#rooms.size > 0 ? { room: shape as unknown as Json, leave: true } : { leave: true });
        if (this.#rooms.size === 0) this.#stop?.();
      },
    };
  }

  #sayAll(): void {
    for (const seat of this.#rooms.values()) seat.say();
  }

  #say(body: JsonObject): void {
    this.#client.say({ tab: this.#tab, ...body });
  }

  #listen(): void {
    if (this.#stop !== null) return;
    const { status } = this.#client;
    let isOpen = isStreaming(this.#client);
    const stops = [
      this.#client.onHeard((body) => this.#hear(body)),
      status.subscribe(() => {
        const was = isOpen;
        isOpen = isStreaming(this.#client);
        if (was === isOpen) return;
        for (const seat of this.#rooms.values()) isOpen ? seat.say() : seat.forget();
      }),
      // A row that the server has given its id is there under it.
      this.#client.onChange(({ aliases }) => {
        if (aliases.length > 0) this.#sayAll();
      }),
      // Before the client closes: a tab that leaves says so, and one that comes back finds another stream.
      onPageHide(() => this.#say({ leave: true })),
    ];
    this.#stop = () => {
      for (const stop of stops) stop();
      this.#stop = null;
    };
  }

  #hear(body: JsonObject): void {
    if (body.ask === true) return this.#say({});
    if (body.tab !== this.#tab) return;
    if (body.again === true) return this.#sayAll();
    const { where, table } = body.room as unknown as Shape;
    this.#rooms.get(JSON.stringify(where === undefined ? { table } : { table, where }))?.hear(body);
  }
}

/** This tab in one room. */
class Seat {
  readonly others = new Signal<readonly Other[]>([]);
  readonly problem = new Signal<string | null>(null);
  handles = 0;
  readonly #client: Client;
  readonly #shape: Shape;
  readonly #say: (body: JsonObject) => void;
  readonly #people = new People();
  #row: KeyInput | null = null;
  #state: JsonObject = {};
  #said = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(client: Client, shape: Shape, say: (body: JsonObject) => void) {
    this.#client = client;
    this.#shape = shape;
    this.#say = say;
  }

  set({ row = null, ...state }: Parameters<Room["set"]>[0]): void {
    const text = JSON.stringify(state);
    const bytes = new TextEncoder().encode(text + JSON.stringify(row)).length;
    if (bytes > STATE_BYTES_MAX) {
      throw new SwainError(
        "limit_presence_bytes",
        `${bytes} bytes are said, and at most ${STATE_BYTES_MAX} are taken.`,
      );
    }
    this.#row = row;
    this.#state = JSON.parse(text) as JsonObject;
    if (this.#timer !== null) return;
    const wait = this.#said + INTERVAL_MS - performance.now();
    if (wait <= 0) this.say();
    else this.#timer = setTimeout(() => this.say(), wait);
  }

  say(): void {
    this.#stopTimer();
    this.#said = performance.now();
    this.#say({ room: this.#shape as unknown as Json, row: this.#key(), state: this.#state });
  }

  hear(body: JsonObject): void {
    this.#people.hear(body);
    this.problem.set(this.#people.problem);
    this.#tell();
  }

  forget(): void {
    this.#people.forget();
    this.#tell();
  }

  end(): void {
    this.#stopTimer();
    this.forget();
  }

  #tell(): void {
    const { others } = this.#people;
    // An empty room stays the same one.
    if (others.length + this.others.getSnapshot().length > 0) this.others.set(others);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** As the server knows the row: a temporary id may have become another. */
  #key(): Json {
    const key = this.#row;
    if (key === null) return null;
    const { table } = this.#shape;
    const row = this.#client.table(table).get(key);
    const columns = this.#client.schema?.tables[table]?.key;
    if (row !== undefined && columns !== undefined) return columns.map((column) => row[column] ?? null);
    return (Array.isArray(key) ? key : [key]) as Json;
  }
}

function isStreaming(client: Client): boolean {
  const { state } = client.status.getSnapshot();
  return state === "syncing" || state === "live";
}

function onPageHide(call: () => void): () => void {
  const page = globalThis.window;
  if (page === undefined) return () => undefined;
  page.addEventListener("pagehide", call, true);
  return () => page.removeEventListener("pagehide", call, true);
}
