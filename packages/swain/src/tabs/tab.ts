import type { Batch, Change, Stored } from "../engine/batch.js";
import type { Entry } from "../engine/entry.js";
import type { Indexes } from "../engine/index-rows.js";
import type { JsonObject } from "../engine/json.js";
import type { Operation } from "../engine/operation.js";
import type { Pace } from "../engine/pace.js";
import { Replica } from "../engine/replica.js";
import type { Reconnect } from "../engine/session.js";
import { type Shape, shapeId } from "../engine/shape.js";
import { TemporaryIds } from "../engine/temporary.js";
import type { Channel, Environment } from "../environment.js";
import { SwainError } from "../error.js";
import { type Store, StoreError } from "../store/store.js";
import type { Transport } from "../transport/transport.js";
import { Candidate } from "./candidate.js";
import { LastMoment } from "./last-moment.js";
import { Leader, problemOf } from "./leader.js";
import { BATCH_ROWS_MAX, type Known, type LinkStatus, type Message } from "./message.js";

export interface TabParts {
  readonly environment: Environment;
  /** One per (server, user). */
  readonly name: string;
  readonly store: Store;
  /** Alone: no other tab can have this store. */
  readonly sharing: "shared" | "alone";
  readonly shapes: readonly Shape[];
  readonly indexes: Indexes;
  readonly reconnect: Reconnect;
  readonly pace: Pace;
  readonly transport: Transport;
  token(fresh: boolean): Promise<string | null>;
  debug(line: string): void;
}

export interface TabEvents {
  /** C13 for a step that changed rows or applied a position (`moved`). `entries`: outbox entries that it changed. */
  changed(change: Change, entries: readonly Entry[], moved: boolean): void;
  status(): void;
  /** P28. */
  heard(body: JsonObject): void;
}

/** After losing the leadership for another reason than another leader, wait before standing again. */
const STAND_AGAIN_MS = 5_000;
/** A visible follower asks the leader for a sign of life this often, and takes over after so many silences. */
const PROBE_MS = 10_000;
const SILENCES_MAX = 3;

/** More leaders than a tab can have missed since it read storage. */
const GENERATIONS_UNHEARD = 1_000_000;

const FOLLOWING: LinkStatus = {
  state: "connecting",
  cached: true,
  loading: null,
  problem: null,
  paused: false,
  transport: null,
};

/** One tab's part in a store: its memory copy, its own mutations, and, when it leads, the connection (C14). */
export class Tab {
  readonly replica: Replica;
  readonly temporaryIds: TemporaryIds;
  #parts: TabParts;
  readonly #events: TabEvents;
  readonly #candidate: Candidate | null;
  readonly #lastMoment: LastMoment;
  readonly #syncs = new Map<string, { resolve(): void; reject(error: SwainError): void }>();
  #channel: Channel | null = null;
  #leader: Leader | null = null;
  #followed: LinkStatus = FOLLOWING;
  #saving: Promise<unknown> = Promise.resolve();
  /** Messages that arrive while storage is read again. */
  #held: Message[] | null = null;
  #reading: Promise<void> = Promise.resolve();
  #silences = 0;
  #stopTimer: () => void = () => undefined;
  #isClosed = false;

  /** Resolves when the rows that storage has are in memory. */
  static async open(parts: TabParts, events: TabEvents): Promise<Tab> {
    const { environment, name, sharing } = parts;
    // Listening starts before reading, so that nothing falls between.
    const early: Message[] = [];
    const channel = sharing === "shared" ? (environment.channel?.(`swain:${name}`) ?? null) : null;
    if (channel !== null) channel.onmessage = ({ data }) => early.push(data as Message);
    let stored = await parts.store.read();
    const lastMoment = new LastMoment(parts.store.isPersistent ? environment.localStorage : null, name);
    if (await lastMoment.adopt(parts.store)) stored = await parts.store.read();
    const ids = new TemporaryIds(await parts.store.reserve());
    const replica = new Replica(stored, parts.shapes.map(shapeId), parts.indexes);
    const tab = new Tab(parts, events, replica, channel, ids, lastMoment);
    for (const message of early) tab.#handle(message);
    tab.#begin();
    return tab;
  }

  private constructor(
    parts: TabParts,
    events: TabEvents,
    replica: Replica,
    channel: Channel | null,
    ids: TemporaryIds,
    lastMoment: LastMoment,
  ) {
    this.temporaryIds = ids;
    this.#lastMoment = lastMoment;
    this.#parts = parts;
    this.#events = events;
    this.replica = replica;
    this.#channel = channel;
    if (channel !== null) channel.onmessage = ({ data }) => this.#handle(data as Message);
    const { locks } = parts.environment;
    const lead = (): void => void this.#lead();
    const lost = (): void => this.#stepDown(null);
    const isShared = parts.sharing === "shared" && locks !== null;
    this.#candidate = isShared ? new Candidate(locks, parts.name, lead, lost) : null;
  }

  get isLeader(): boolean {
    return this.#leader !== null;
  }

  get isPersistent(): boolean {
    return this.#parts.store.isPersistent;
  }

  get status(): LinkStatus {
    return this.#leader?.status ?? this.#followed;
  }

  /** C2: visible when this returns; the promise is for the strict write. */
  mutate(uid: string, ops: readonly Operation[]): Promise<Entry> {
    const { environment } = this.#parts;
    const { meta } = this.replica;
    const entry: Entry = {
      uid,
      n: null,
      base: meta.mark?.pos ?? 0,
      at: Math.round(environment.now() + meta.offset),
      schema: meta.schema?.version ?? 0,
      ops,
      state: { kind: "pending", result: null },
    };
    this.#tell(this.replica.putEntry(entry), [entry]);
    const saved = this.#saving.then(() => this.#save(entry));
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  async discard(n: number): Promise<void> {
    await this.#parts.store.remove(n);
    this.#tell(this.replica.removeEntry(n), []);
    this.#post({ kind: "removed", n });
    this.#events.status();
  }

  async sync(): Promise<void> {
    await this.#saving;
    const id = this.#parts.environment.uuid();
    const done = new Promise<void>((resolve, reject) => this.#syncs.set(id, { resolve, reject }));
    if (this.#leader !== null) this.#leader.handle({ kind: "sync", id });
    else this.#post({ kind: "sync", id });
    return done;
  }

  /** Of the whole store, whichever tab leads. */
  switch(to: "pause" | "resume" | "wake" | "hidden"): void {
    // Kept for the case that this tab takes over.
    if (to === "pause" || to === "resume") this.#followed = { ...this.#followed, paused: to === "pause" };
    if (this.#leader !== null) this.#leader.handle({ kind: to });
    // That this one is hidden, also a leader tells: one that is seen speaks up.
    if (this.#leader === null || to === "hidden") this.#post({ kind: "switch", to });
  }

  /** P28: by the connection of the store, whichever tab has it. */
  say(body: JsonObject): void {
    const message = { kind: "say", body } as const;
    if (this.#leader !== null) this.#leader.handle(message);
    else this.#post(message);
  }

  /** C25: of the whole store; edits go on meanwhile. Resolves when what leaves has left the screen. */
  setShapes(shapes: readonly Shape[]): Promise<void> {
    this.#post({ kind: "shapes", shapes });
    return this.#takeShapes(shapes);
  }

  /** Resolves when what was under way is in storage. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopTimer();
    for (const [id] of this.#syncs) this.#finishSync(id, "offline");
    const unsaved = this.replica.outbox.unsaved();
    this.#lastMoment.keep(unsaved);
    const leader = this.#leader;
    this.#leader = null;
    await Promise.all([leader?.end(), this.#saving]);
    this.#lastMoment.forget(unsaved);
    this.#candidate?.resign();
    this.#channel?.close();
    this.#channel = null;
    this.#parts.store.close();
  }

  #begin(): void {
    if (this.#candidate === null) {
      void this.#lead();
      return;
    }
    this.#candidate.stand("wait");
    this.#post({ kind: "ask", ...this.#known() });
    this.#probe();
  }

  async #save(entry: Entry): Promise<Entry> {
    try {
      const saved = await this.#append(entry);
      this.#tell(this.replica.putEntry(saved), [saved]);
      this.#post({ kind: "mutation", device: this.replica.meta.device, entry: saved });
      this.#leader?.handle({ kind: "saved" });
      return saved;
    } catch (error) {
      this.#tell(this.replica.removeUnsaved(entry.uid), []);
      const { code, title } = problemOf(error);
      throw new SwainError(code, title, null, error);
    }
  }

  /** C26: somebody cleared the storage: it is filled again first. */
  async #append(entry: Entry): Promise<Entry> {
    const { store } = this.#parts;
    try {
      return await store.append(entry);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== "emptied") throw error;
      await this.#reread();
      return store.append(entry);
    }
  }

  // Leading.

  /** C14: raises the generation, catches up with storage, connects. */
  async #lead(): Promise<void> {
    try {
      const { generation, number, device, lastN } = await this.#parts.store.lead();
      const { meta } = this.replica;
      const isCurrent = number === meta.number && device === meta.device && lastN === meta.lastN;
      if (!isCurrent) await this.#reread();
      await this.#whenRead();
      if (this.#isClosed) return;
      const wasPaused = this.#followed.paused;
      this.#leader = new Leader({ ...this.#parts, generation, replica: this.replica }, this.#leaderEvents());
      this.#leader.handle({ kind: wasPaused ? "pause" : "start" });
      // Asked for when nobody led, or of a leader that is gone.
      for (const id of [...this.#syncs.keys()]) this.#leader.handle({ kind: "sync", id });
    } catch (error) {
      this.#stepDown(error);
    }
  }

  async #takeShapes(shapes: readonly Shape[]): Promise<void> {
    this.#parts = { ...this.#parts, shapes };
    this.replica.setShapes(shapes.map(shapeId));
    const leader = this.#leader;
    this.#leader = null;
    if (leader !== null) this.#followed = { ...FOLLOWING, paused: leader.status.paused };
    await leader?.end();
    await this.#reread();
    // The term goes on, with another generation: what the old leader began is over.
    const mayLead = this.#candidate?.stands ?? true;
    if (leader !== null && this.#leader === null && mayLead && !this.#isClosed) await this.#lead();
  }

  #leaderEvents(): ConstructorParameters<typeof Leader>[1] {
    return {
      changed: (change, batch, moved) => {
        const entries = batch.entries ?? [];
        if (moved || change.rows.length + change.aliases.length + entries.length > 0)
          this.#tell(change, entries, moved);
      },
      persisted: (number, batch) => {
        this.replica.noteNumber(number);
        const isLarge = (batch.rows?.length ?? 0) > BATCH_ROWS_MAX;
        this.#post(isLarge ? { kind: "reread" } : { kind: "batch", number, batch: { ...batch, staging: undefined } });
      },
      status: () => this.#events.status(),
      announce: (status) => this.#post({ kind: "status", status, ...this.#known() }),
      synced: (id, error) => {
        // When this tab stops leading, the next leader is asked.
        if (this.#leader === null) return;
        this.#finishSync(id, error);
        this.#post({ kind: "synced", id, error });
      },
      heard: (body) => {
        this.#post({ kind: "heard", body });
        this.#events.heard(body);
      },
      reread: () => this.#reread(),
      rereadOutbox: () => this.#rereadOutbox(),
      rewritten: () => this.#post({ kind: "reread" }),
      lost: (error) => this.#stepDown(error),
    };
  }

  #stepDown(error: unknown): void {
    const leader = this.#leader;
    this.#leader = null;
    void leader?.end();
    this.#candidate?.resign();
    const problem = error === null ? null : problemOf(error);
    this.#followed = { ...FOLLOWING, state: "offline", problem };
    this.#events.status();
    if (this.#isClosed) return;
    this.#stopTimer();
    this.#stopTimer = this.#parts.environment.setTimer(STAND_AGAIN_MS, () => {
      void this.#reread().then(
        () => this.#begin(),
        (again: unknown) => this.#stepDown(again),
      );
    });
  }

  // Following.

  #handle(message: Message): void {
    if (this.#isClosed) return;
    if (this.#held !== null) {
      this.#held.push(message);
      return;
    }
    switch (message.kind) {
      case "batch":
        return this.#handleBatch(message.number, message.batch);
      case "reread":
        return this.#leader === null ? this.#readAgain() : undefined;
      case "mutation":
        return this.#handleMutation(message.device, message.entry);
      case "removed":
        return this.#tell(this.replica.removeEntry(message.n), []);
      case "status":
        this.#silences = 0;
        this.#followed = message.status;
        this.#compare(message);
        return this.#events.status();
      case "ask":
        this.#compare(message);
        return this.#leader?.announce();
      case "sync":
        return this.#leader?.handle({ kind: "sync", id: message.id });
      case "synced":
        return this.#finishSync(message.id, message.error);
      case "switch":
        if (message.to === "hidden") return this.#speakUp();
        return this.#leader?.handle({ kind: message.to });
      case "say":
        return this.#leader?.handle(message);
      case "heard":
        return this.#events.heard(message.body);
      case "shapes":
        this.#takeShapes(message.shapes).catch((error: unknown) => this.#stepDown(error));
        return;
      default:
        message satisfies never;
    }
  }

  /** C27: some tab is hidden; this one may be seen. */
  #speakUp(): void {
    if (this.#parts.environment.page?.isVisible() ?? true) this.switch("wake");
    else this.#leader?.handle({ kind: "hidden" });
  }

  #handleBatch(number: number, batch: Batch): void {
    const known = this.replica.meta.number;
    if (number <= known || this.#leader !== null) return;
    if (number > known + 1) return this.#readAgain();
    const before = this.replica.meta.mark;
    const change = this.replica.apply(batch);
    this.replica.noteNumber(number);
    const after = this.replica.meta.mark;
    const moved = before?.pos !== after?.pos || before?.epoch !== after?.epoch;
    this.#tell(change, batch.entries ?? [], moved);
  }

  #handleMutation(device: string, entry: Entry): void {
    const { meta, outbox } = this.replica;
    // A number that is missing here may be one that this tab is just saving.
    const isGap = (entry.n ?? 0) > meta.lastN + 1 && outbox.unsaved().length === 0;
    if (device !== meta.device || isGap) return this.#readAgain();
    // An acknowledged entry is not made pending again by a late message.
    if ((entry.n ?? 0) > meta.acked && outbox.entry(entry.n ?? 0) === undefined) {
      this.#tell(this.replica.putEntry(entry), [entry]);
    }
    this.#leader?.handle({ kind: "saved" });
  }

  #known(): Known {
    const { device, lastN, number } = this.replica.meta;
    return { device, lastN, number };
  }

  #compare(other: Known): void {
    const { device, lastN, number } = this.replica.meta;
    // What it wrote itself, and under which device id, a leader knows best.
    const isBehind = this.#leader === null && (other.device !== device || other.number > number);
    if (isBehind || other.lastN > lastN) this.#readAgain();
  }

  #readAgain(): void {
    const isLeader = this.#leader !== null;
    (isLeader ? this.#rereadOutbox() : this.#reread()).then(
      () => this.#leader?.handle({ kind: "saved" }),
      (error: unknown) => this.#parts.debug(`storage: ${String(error)}`),
    );
  }

  /** A leader's memory may be ahead of storage, so no reading of a follower may end after it begins to lead. */
  async #whenRead(): Promise<void> {
    for (let reading: Promise<void> | null = null; reading !== this.#reading; ) {
      reading = this.#reading;
      await reading;
    }
  }

  async #rereadOutbox(): Promise<void> {
    const stored = await this.#parts.store.readOutbox();
    this.#tell(this.replica.mergeOutbox(stored), []);
  }

  /** Storage is the truth; messages that come meanwhile wait. */
  #reread(): Promise<void> {
    this.#held ??= [];
    this.#reading = this.#reading
      .catch(() => undefined)
      .then(async () => {
        try {
          const stored = await this.#parts.store.read(this.#kept());
          const before = this.replica.meta.mark;
          const change = this.replica.rehydrate(stored);
          this.#tell(change, stored.outbox, before?.pos !== change.pos);
        } finally {
          const held = this.#held ?? [];
          this.#held = null;
          for (const message of held) this.#handle(message);
        }
      });
    return this.#reading;
  }

  /** C26: what is in memory, for a store that lost it. An earlier leader, which may be frozen, stays fenced. */
  #kept(): Stored {
    const { meta, confirmed, outbox, aliases } = this.replica;
    const generation = this.#leader?.generation ?? meta.generation + GENERATIONS_UNHEARD;
    return {
      meta: { ...meta, generation, loadToken: null },
      rows: [...confirmed.all()],
      staging: [],
      outbox: outbox.saved(),
      aliases: aliases.all(),
    };
  }

  /** Asks a leader that may be frozen; the fence keeps it harmless when it wakes up. */
  #probe(): void {
    this.#stopTimer();
    this.#stopTimer = this.#parts.environment.setTimer(PROBE_MS, () => {
      if (this.#isClosed || this.#leader !== null) return;
      const isVisible = this.#parts.environment.page?.isVisible() ?? true;
      if (isVisible) this.#silences += 1;
      if (this.#silences > SILENCES_MAX) {
        this.#silences = 0;
        this.#candidate?.stand("steal");
      } else {
        this.#post({ kind: "ask", ...this.#known() });
      }
      this.#probe();
    });
  }

  #finishSync(id: string, error: string | null): void {
    const waiting = this.#syncs.get(id);
    this.#syncs.delete(id);
    if (error === null) waiting?.resolve();
    else waiting?.reject(new SwainError(error, "The server was not reached."));
  }

  #tell(change: Change, entries: readonly Entry[], moved = false): void {
    if (!moved && change.rows.length + change.aliases.length + entries.length === 0) return;
    this.#events.changed(change, entries, moved);
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }
}
