import { SwainError } from "../error";
import { backoffMs, HEALTHY_MS } from "./backoff";
import type { Batch } from "./batch";
import type { Result } from "./entry";
import { type Frame, type Moved, parseFrame, type RowOp, type Welcome } from "./frame";
import * as batches from "./frame-batch";
import { equalJson, type Json } from "./json";
import { Push } from "./push";
import { reconcile } from "./reconcile";
import type { Replica } from "./replica";
import type { Input, Output, SessionStatus, SyncState, Timer } from "./session-io";
import { type Shape, shapeId, shapeToJson } from "./shape";

/** No open socket, or no welcome, after this long: the attempt is dead. */
const GREETING_MS = 20_000;
/** C8: without a byte for so many heartbeats the stream is dead. */
const HEARTBEATS = 2.5;
/** P3: a new token is asked for this long before the old one ends. */
const RENEW_MS = 60_000;

interface Open {
  readonly kind: "open";
  readonly since: number;
  readonly heartbeat: number;
  readonly on: batches.Connected;
  readonly push: Push;
  /** The first caught_up of this connection has come. */
  readonly isLive: boolean;
}

type Phase =
  | { readonly kind: "idle" }
  /** `held`: the server said when; nothing else may end the wait. */
  | { readonly kind: "waiting"; readonly held: boolean }
  | { readonly kind: "connecting" }
  | { readonly kind: "greeting" }
  | Open
  | { readonly kind: "rewriting" }
  | { readonly kind: "stopped" };

/**
 * The connection of one leader, without a socket:
 *
 *   idle ─start→ connecting ─opened→ greeting ─welcome→ open ─caught_up→ open (live)
 *     ↑            ↑ ↑                  │                │
 *   pause          │ └──── rewriting ←──┴─ new device ───┤
 *                  └─timer, wake── waiting ←─ closed ────┘        stopped ←─ 4403, second 4401
 */
export class Session {
  readonly #replica: Replica;
  readonly #shapes: readonly Shape[];
  readonly #ids: readonly string[];
  readonly #firstMs: number;
  readonly #random: () => number;
  #phase: Phase = { kind: "idle" };
  #outputs: Output[] = [];
  #attempt = 0;
  #lastByte = 0;
  /** C7: no frame of this connection may be below. */
  #floor: number | null = null;
  #goawayMs: number | null = null;
  #tokenRefreshed = false;
  #paused = false;
  #reread: "no" | "asked" | "done" = "no";
  #cached = true;
  #loading: SessionStatus["loading"] = null;
  #problem: SessionStatus["problem"] = null;
  #syncs: { readonly id: string; readonly through: number }[] = [];

  /** `random` gives numbers in [0, 1); with the same ones and the same inputs the outputs are the same. */
  constructor(replica: Replica, shapes: readonly Shape[], firstMs: number, random: () => number) {
    this.#replica = replica;
    this.#shapes = shapes;
    this.#ids = shapes.map(shapeId);
    this.#firstMs = firstMs;
    this.#random = random;
  }

  get status(): SessionStatus {
    return {
      state: this.#state(),
      cached: this.#cached,
      loading: this.#loading,
      problem: this.#problem,
      paused: this.#paused,
    };
  }

  handle(now: number, input: Input): readonly Output[] {
    this.#outputs = [];
    switch (input.kind) {
      case "start":
      case "resume":
        this.#paused = false;
        if (this.#phase.kind === "idle" || this.#phase.kind === "stopped") this.#connect(now);
        break;
      case "pause":
        this.#paused = true;
        this.#leave({ kind: "idle" });
        break;
      case "opened":
        if (this.#phase.kind === "connecting") this.#hello(now, input.token);
        break;
      case "frame":
        this.#handleText(now, input.text);
        break;
      case "closed":
        this.#handleClosed(now, input.code);
        break;
      case "signed_out":
        this.#stop(input.code, input.title);
        break;
      case "timer":
        this.#handleTimer(now, input.timer);
        break;
      case "wake":
        this.#handleWake(now);
        break;
      case "saved":
        this.#pump(now);
        break;
      case "token":
        if (this.#phase.kind === "open") this.#send({ auth: { token: input.token } });
        break;
      case "sync":
        this.#handleSync(now, input.id);
        break;
      case "hydrated":
        if (this.#reread === "asked") this.#reread = "done";
        if (this.#phase.kind === "rewriting") this.#connect(now);
        else this.#pump(now);
        break;
      case "storage_failed":
        this.#problem = { code: input.code, title: input.title };
        this.#drop(now);
        break;
      default:
        input satisfies never;
    }
    return this.#outputs;
  }

  // Connection.

  #connect(now: number, fresh = false): void {
    this.#goawayMs = null;
    this.#phase = { kind: "connecting" };
    this.#outputs.push({ kind: "connect", fresh });
    this.#timer("reconnect", null);
    this.#timer("watchdog", now + GREETING_MS);
  }

  /** P1. */
  #hello(now: number, token: string | null): void {
    const { device, mark, acked, loadToken, schema } = this.#replica.meta;
    this.#phase = { kind: "greeting" };
    this.#lastByte = now;
    this.#timer("watchdog", now + GREETING_MS);
    this.#send({
      hello: {
        protocol: 1,
        token,
        device,
        cursor: mark?.cursor ?? null,
        acked: batches.ackedWithResult(this.#replica.outbox, acked),
        shapes: this.#shapes.map(shapeToJson),
        load: loadToken,
        schema: schema?.version ?? 0,
      },
    });
  }

  #handleClosed(now: number, code: number): void {
    if (!this.#isConnected()) return;
    if (code === 4403) return this.#stop(this.#problem?.code ?? "forbidden", this.#problem?.title ?? "Forbidden");
    if (code !== 4401) return this.#wait(now, code === 1013);
    if (this.#tokenRefreshed) return this.#stop("auth_expired", "The sign-in has expired.");
    this.#leave({ kind: "idle" });
    this.#tokenRefreshed = true;
    this.#connect(now, true);
  }

  /** Ends a connection that cannot be trusted any longer; the next one resumes. */
  #drop(now: number): void {
    if (!this.#isConnected()) return;
    this.#outputs.push({ kind: "close", code: 1000 });
    this.#wait(now, false);
  }

  /** C8. */
  #wait(now: number, overloaded: boolean): void {
    if (this.#phase.kind === "open" && now - this.#phase.since >= HEALTHY_MS) this.#attempt = 0;
    const jitter = backoffMs(this.#attempt, this.#firstMs, this.#random());
    const delay = this.#goawayMs ?? (overloaded ? Math.max(this.#firstMs, jitter) : jitter);
    const held = this.#goawayMs !== null || overloaded;
    this.#attempt += 1;
    this.#leave({ kind: "waiting", held });
    this.#timer("reconnect", now + delay);
  }

  #stop(code: string, title: string): void {
    this.#problem = { code, title };
    this.#leave({ kind: "stopped" });
  }

  #leave(phase: Phase): void {
    const tells = phase.kind === "idle" || phase.kind === "stopped" || phase.kind === "rewriting";
    if (tells && this.#isConnected()) this.#outputs.push({ kind: "close", code: 1000 });
    this.#phase = phase;
    this.#loading = null;
    this.#reread = "no";
    for (const timer of ["reconnect", "watchdog", "push", "token"] as const) this.#timer(timer, null);
    if (phase.kind !== "rewriting") this.#failSyncs();
  }

  #handleTimer(now: number, timer: Timer): void {
    switch (timer) {
      case "reconnect":
        if (this.#phase.kind === "waiting") this.#connect(now);
        return;
      case "watchdog":
        return this.#watch(now);
      case "push":
        return this.#pump(now);
      case "token":
        if (this.#phase.kind === "open") this.#outputs.push({ kind: "token" });
        return;
      default:
        timer satisfies never;
    }
  }

  #watch(now: number): void {
    if (this.#phase.kind !== "open") return this.#drop(now);
    const dead = this.#lastByte + HEARTBEATS * this.#phase.heartbeat;
    if (now >= dead) this.#drop(now);
    else this.#timer("watchdog", dead);
  }

  #handleWake(now: number): void {
    const { kind } = this.#phase;
    if (this.#phase.kind === "open" && now >= this.#lastByte + HEARTBEATS * this.#phase.heartbeat) {
      this.#drop(now);
      this.#connect(now);
    } else if (kind === "waiting" && !this.#isHeld()) {
      this.#connect(now);
    }
  }

  // Frames.

  #handleText(now: number, text: string): void {
    if (this.#phase.kind !== "greeting" && this.#phase.kind !== "open") return;
    this.#lastByte = now;
    try {
      this.#handleFrame(now, parseFrame(text));
    } catch (error) {
      if (!(error instanceof SwainError)) throw error;
      this.#problem = { code: error.code, title: error.message };
      this.#drop(now);
    }
  }

  #handleFrame(now: number, frame: Frame): void {
    switch (frame.kind) {
      case "ignored":
        return;
      case "problem":
        this.#problem = { code: frame.problem.code, title: frame.problem.title };
        if (frame.problem.code === "mutation_mismatch") this.#newDevice(this.#replica.meta.lastN);
        return;
      case "goaway":
        this.#goawayMs = frame.retry;
        return;
      case "welcome":
        if (this.#phase.kind !== "greeting") throw outOfPlace(frame.kind);
        return this.#welcome(now, frame);
      default:
        if (this.#phase.kind !== "open") throw outOfPlace(frame.kind);
        return this.#handleStream(now, this.#phase, frame);
    }
  }

  #handleStream(now: number, open: Open, frame: Exclude<Frame, { kind: "ignored" | "problem" | "goaway" | "welcome" }>): void {
    switch (frame.kind) {
      case "load":
        return this.#load(open, frame);
      case "load_changes":
        return batches.stageChanges(this.#replica.staging, open.on, frame.rows);
      case "load_end":
        this.#checkPos(frame.pos, "equal");
        return this.#loadEnd(now, open, frame);
      case "changes":
        this.#checkPos(frame.pos, "greater");
        return this.#changes(now, open, frame);
      case "caught_up":
        this.#checkPos(frame.pos, "equal");
        return this.#caughtUp(now, open, frame);
      case "heartbeat":
        this.#checkPos(frame.pos, "equal");
        this.#renewAt(now, frame.expires);
        return this.#moved(now, open, batches.movedBatch(this.#replica, open.on, frame, now));
      case "results":
        return this.#results(now, open, frame);
      default:
        frame satisfies never;
    }
  }

  /** P4. */
  #welcome(now: number, frame: Welcome): void {
    this.#tokenRefreshed = false;
    const decided = reconcile(this.#replica, frame.last);
    if (decided.kind === "new_device") return this.#newDevice(decided.lostAbove);
    const live = new Set(this.#ids.filter((_id, i) => frame.shapes[i] === "live"));
    const on = { epoch: frame.epoch, shapes: this.#ids, live };
    const { mark, schema, loadToken } = this.#replica.meta;
    const isHonoured = mark !== null && mark.epoch === frame.epoch && (live.size > 0 || this.#ids.length === 0);
    this.#floor = isHonoured ? mark.pos : null;
    const push = new Push(frame.last, frame.limits);
    this.#phase = { kind: "open", since: now, heartbeat: frame.heartbeat, on, push, isLive: false };
    const hasStaging = loadToken !== null || this.#replica.staging.size > 0;
    const startsOver = frame.load !== "resume" && hasStaging;
    this.#persist({
      offset: frame.now - now,
      ...(equalJson(schema as Json, frame.schema as unknown as Json) ? {} : { schema: frame.schema }),
      ...(startsOver ? { staging: { clear: true, puts: [], token: null } } : {}),
      ...(decided.kind === "reopen" ? { entries: decided.entries, acked: decided.acked } : {}),
    });
    this.#persistResults(frame.results);
    const isLoading = live.size < this.#ids.length;
    this.#loading = isLoading ? { done: this.#replica.staging.size, total: 0 } : null;
    this.#timer("watchdog", now + HEARTBEATS * frame.heartbeat);
    this.#renewAt(now, frame.expires);
    this.#pump(now);
  }

  #load(open: Open, frame: Extract<Frame, { kind: "load" }>): void {
    const shape = this.#shapes[frame.shape];
    const id = open.on.shapes[frame.shape];
    if (shape === undefined || id === undefined || open.on.live.has(id)) throw outOfPlace("load");
    const puts = batches.loadPuts(this.#replica, id, shape.table, frame.rows);
    const token = frame.token === null ? {} : { token: frame.token };
    this.#persist({ staging: { clear: false, puts, ...token } });
    const done = (this.#loading?.done ?? 0) + frame.rows.length;
    this.#loading = { done, total: Math.max(done, frame.total ?? this.#loading?.total ?? 0) };
  }

  #loadEnd(now: number, open: Open, frame: Moved & { readonly shapes: readonly number[] }): void {
    const batch = batches.loadEndBatch(this.#replica, open.on, frame, now);
    const live = new Set([...open.on.live, ...batches.shapesAt(open.on, frame.shapes)]);
    this.#phase = { ...open, on: { ...open.on, live } };
    if (live.size >= this.#ids.length) this.#loading = null;
    this.#moved(now, open, batch);
  }

  #changes(now: number, open: Open, frame: Moved & { readonly rows: readonly RowOp[] }): void {
    const batch = batches.changesBatch(this.#replica, open.on, frame, now);
    if (batch !== null) return this.#moved(now, open, batch);
    // P7: diverged. Start again without a cursor; the rows stay visible until the load replaces them.
    this.#problem = { code: "diverged", title: "The local copy had to be loaded anew." };
    this.#persist({ mark: null, staging: { clear: true, puts: [], token: null } });
    this.#drop(now);
  }

  #caughtUp(now: number, open: Open, frame: Moved): void {
    this.#cached = false;
    this.#problem = null;
    if (this.#firstMs < 1000) this.#attempt = 0;
    if (this.#phase.kind === "open") this.#phase = { ...this.#phase, isLive: true };
    this.#moved(now, { ...open, isLive: true }, batches.movedBatch(this.#replica, open.on, frame, now));
  }

  #results(now: number, open: Open, frame: Extract<Frame, { kind: "results" }>): void {
    this.#persistResults(frame.results);
    const delay = { firstMs: this.#firstMs, random: this.#random };
    const verdict = open.push.handleResults(now, frame.results, frame.problem, delay);
    switch (verdict.kind) {
      case "go_on":
        return this.#pump(now);
      case "pause":
        if (frame.problem !== null) this.#problem = { code: frame.problem.code, title: frame.problem.title };
        return this.#timer("push", verdict.until);
      case "gap":
        return this.#restartPush(now, open, verdict.last);
      case "new_device":
        return this.#newDevice(this.#replica.meta.lastN);
      default:
        verdict satisfies never;
    }
  }

  #restartPush(now: number, open: Open, last: number): void {
    const decided = reconcile(this.#replica, last);
    if (decided.kind === "new_device") return this.#newDevice(decided.lostAbove);
    if (decided.kind === "reopen") this.#persist({ entries: decided.entries, acked: decided.acked });
    open.push.restartAt(last);
    this.#pump(now);
  }

  // Steps that several frames share.

  #pump(now: number): void {
    if (this.#phase.kind !== "open") return;
    const next = this.#phase.push.next(now, this.#replica.outbox, this.#replica.meta.lastN);
    switch (next.kind) {
      case "nothing":
        this.#reread = "no";
        return;
      case "send":
        this.#reread = "no";
        return this.#send({ push: { mutations: next.mutations } });
      case "hole":
        // Not in storage either: it is lost, and what comes behind can only go under a new device id.
        if (this.#reread === "done") return this.#newDevice(this.#replica.meta.acked);
        if (this.#reread === "no") this.#outputs.push({ kind: "reread" });
        this.#reread = "asked";
        return;
      default:
        next satisfies never;
    }
  }

  #newDevice(lostAbove: number): void {
    this.#leave({ kind: "rewriting" });
    this.#outputs.push({ kind: "rewrite", lostAbove });
  }

  #moved(now: number, open: Open, batch: Batch): void {
    this.#floor = batch.mark?.pos ?? this.#floor;
    this.#persist(open.isLive ? { ...batch, lastSynced: now } : batch);
    this.#finishSyncs();
  }

  #persistResults(results: readonly Result[]): void {
    const batch = batches.resultsBatch(this.#replica, results);
    if (batch.entries !== undefined && batch.entries.length > 0) this.#persist(batch);
  }

  #persist(batch: Batch): void {
    const before = this.#replica.meta.mark;
    const change = this.#replica.apply(batch);
    const after = this.#replica.meta.mark;
    const moved = after !== null && (before?.pos !== after.pos || before.epoch !== after.epoch);
    this.#outputs.push({ kind: "persist", batch, change, moved });
  }

  #checkPos(pos: number, allowed: "equal" | "greater"): void {
    if (this.#floor === null || pos > this.#floor || (allowed === "equal" && pos === this.#floor)) return;
    throw new SwainError("position_went_back", `The server sent position ${pos} after ${this.#floor}.`);
  }

  #renewAt(now: number, expires: number | null): void {
    if (expires === null) return;
    const ends = expires - this.#replica.meta.offset;
    this.#timer("token", Math.max(now, ends - RENEW_MS));
  }

  #handleSync(now: number, id: string): void {
    this.#syncs.push({ id, through: this.#replica.meta.lastN });
    if (this.#phase.kind === "idle" || this.#phase.kind === "stopped" || this.#isHeld()) return this.#failSyncs();
    if (this.#phase.kind === "waiting") this.#connect(now);
    this.#finishSyncs();
  }

  #finishSyncs(): void {
    if (this.#phase.kind !== "open" || !this.#phase.isLive) return;
    const { acked } = this.#replica.meta;
    for (const { id } of this.#syncs.filter((sync) => sync.through <= acked)) {
      this.#outputs.push({ kind: "synced", id, error: null });
    }
    this.#syncs = this.#syncs.filter((sync) => sync.through > acked);
  }

  #failSyncs(): void {
    for (const { id } of this.#syncs) this.#outputs.push({ kind: "synced", id, error: "offline" });
    this.#syncs = [];
  }

  #send(message: Json): void {
    this.#outputs.push({ kind: "send", text: JSON.stringify(message) });
  }

  #timer(timer: Timer, at: number | null): void {
    this.#outputs.push({ kind: "timer", timer, at });
  }

  #isHeld(): boolean {
    return this.#phase.kind === "waiting" && this.#phase.held;
  }

  #isConnected(): boolean {
    const { kind } = this.#phase;
    return kind === "connecting" || kind === "greeting" || kind === "open";
  }

  #state(): SyncState {
    switch (this.#phase.kind) {
      case "idle":
      case "waiting":
        return "offline";
      case "connecting":
      case "greeting":
      case "rewriting":
        return "connecting";
      case "open":
        return this.#phase.isLive ? "live" : "syncing";
      case "stopped":
        return "stopped";
      default:
        return this.#phase satisfies never;
    }
  }
}

function outOfPlace(kind: string): SwainError {
  return new SwainError("bad_frame", `The server sent ${kind} where it does not belong.`);
}
