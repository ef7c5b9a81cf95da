import { SwainError } from "../error.js";
import { voided } from "./alias.js";
import type { Batch } from "./batch.js";
import type { Result } from "./entry.js";
import type { Frame, Moved, Problem, Welcome } from "./frame.js";
import * as batches from "./frame-batch.js";
import { equalJson, type Json } from "./json.js";
import { Push, RESULTS_MS } from "./push.js";
import type { Reconciled } from "./reconcile.js";
import type { Replica } from "./replica.js";
import type { Output, SessionStatus, Timer } from "./session-io.js";
import { type Shape, shapeId } from "./shape.js";

/** C8: without a byte for so many heartbeats the stream is dead. */
const HEARTBEATS = 2.5;
const DIVERGED: Problem = { code: "diverged", title: "The local copy has to be loaded anew." };
/** P3: a new token is asked for this long before the old one ends. */
const RENEW_MS = 60_000;

export type StreamFrame = Exclude<Frame, { kind: "ignored" | "presence" | "problem" | "goaway" | "welcome" }>;

/** What a frame means for the session around the stream. */
export type Verdict =
  | { readonly kind: "go_on" }
  | { readonly kind: "caught_up" }
  /** The server answered a push whole: what was wrong is over. */
  | { readonly kind: "answered" }
  | { readonly kind: "pause"; readonly problem: Problem | null }
  /** The connection ends; the next one resumes. */
  | { readonly kind: "drop"; readonly problem: Problem }
  | { readonly kind: "stop"; readonly problem: Problem }
  | { readonly kind: "new_device"; readonly lostAbove: number };

export interface StreamParts {
  readonly replica: Replica;
  readonly shapes: readonly Shape[];
  readonly delay: { readonly firstMs: number; readonly random: () => number };
  /** Where effects go. */
  emit(output: Output): void;
}

/** One connection from welcome on: applies frames to the replica and pushes what is pending. */
export class Stream {
  readonly since: number;
  readonly #parts: StreamParts;
  readonly #replica: Replica;
  readonly #heartbeat: number;
  readonly #push: Push;
  #on: batches.Connected;
  /** C7: no frame of this connection may be below. */
  #floor: number | null;
  #isLive = false;
  #loading: SessionStatus["loading"];
  #reread: "no" | "asked" | "done" = "no";

  /** P4. `decided`: what welcome.last said about this device. */
  constructor(now: number, parts: StreamParts, frame: Welcome, decided: Exclude<Reconciled, { kind: "new_device" }>) {
    const { replica, shapes } = parts;
    const ids = shapes.map(shapeId);
    const live = new Set(ids.filter((_id, i) => frame.shapes[i] === "live"));
    const { mark, schema, loadToken } = replica.meta;
    // When no shape goes on, the cursor was not honoured, and positions start anew.
    const isHonoured = mark !== null && mark.epoch === frame.epoch && (live.size > 0 || ids.length === 0);
    this.since = now;
    this.#parts = parts;
    this.#replica = replica;
    this.#heartbeat = frame.heartbeat;
    this.#push = new Push(frame.last, frame.limits);
    this.#on = { epoch: frame.epoch, shapes: ids, live };
    this.#floor = isHonoured ? mark.pos : null;
    const isNewSchema = frame.schema !== null && !equalJson(schema as Json, frame.schema as unknown as Json);
    const hasStaging = loadToken !== null || replica.staging.size > 0;
    const startsOver = frame.load !== "resume" && hasStaging;
    this.#persist({
      offset: frame.now - now,
      ...(frame.schema !== null && isNewSchema ? { schema: frame.schema } : {}),
      ...(startsOver ? { staging: { clear: true, puts: [], token: null } } : {}),
      ...(decided.kind === "reopen"
        ? { entries: decided.entries, acked: decided.acked, aliases: decided.lost.map(voided) }
        : {}),
    });
    const told = batches.aliasBatch(replica, frame.aliases);
    if (told.aliases !== undefined) this.#persist(told);
    this.#persistResults(frame.results);
    this.#loading = live.size < ids.length ? { done: replica.staging.size, total: 0 } : null;
    this.#renewAt(now, frame.expires);
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  /** No push waits for its results. */
  get isIdle(): boolean {
    return this.#push.isIdle;
  }

  get loading(): SessionStatus["loading"] {
    return this.#loading;
  }

  /** C8: when it is dead if not a byte comes. */
  deadAt(lastByte: number): number {
    return lastByte + HEARTBEATS * this.#heartbeat;
  }

  /** Throws a SwainError when the server breaks the protocol. */
  handle(now: number, frame: StreamFrame): Verdict {
    switch (frame.kind) {
      case "load":
        return this.#load(frame);
      case "load_changes":
        batches.stageChanges(this.#replica.staging, this.#on, frame.rows);
        return { kind: "go_on" };
      case "load_end":
        this.#checkPos(frame.pos, "equal");
        return this.#loadEnd(now, frame);
      case "changes":
        this.#checkPos(frame.pos, "greater");
        return this.#changes(now, frame);
      case "caught_up":
        this.#checkPos(frame.pos, "equal");
        this.#isLive = true;
        this.#moved(now, batches.movedBatch(this.#replica, this.#on, frame, now));
        return { kind: "caught_up" };
      case "heartbeat":
        this.#checkPos(frame.pos, "equal");
        this.#renewAt(now, frame.expires);
        return this.#moved(now, batches.movedBatch(this.#replica, this.#on, frame, now));
      case "results":
        return this.#results(now, frame);
      default:
        return frame satisfies never;
    }
  }

  /** Storage was read again. */
  handleHydrated(now: number): Verdict {
    if (this.#reread === "asked") this.#reread = "done";
    return this.pump(now);
  }

  /** C9. */
  pump(now: number): Verdict {
    const next = this.#push.next(now, this.#replica.outbox, this.#replica.meta.lastN);
    switch (next.kind) {
      case "nothing":
        this.#reread = "no";
        return { kind: "go_on" };
      case "send":
        this.#reread = "no";
        this.#parts.emit({ kind: "send", text: JSON.stringify({ push: { mutations: next.mutations } }) });
        this.#timer("results", now + RESULTS_MS);
        return { kind: "go_on" };
      case "hole":
        return this.#handleHole();
      default:
        return next satisfies never;
    }
  }

  /** Not in storage either: it is lost, and what comes behind can only go under a new device id. */
  #handleHole(): Verdict {
    if (this.#reread === "done") return { kind: "new_device", lostAbove: this.#replica.meta.acked };
    if (this.#reread === "no") this.#parts.emit({ kind: "reread" });
    this.#reread = "asked";
    return { kind: "go_on" };
  }

  /** P5. */
  #load(frame: Extract<Frame, { kind: "load" }>): Verdict {
    const shape = this.#parts.shapes[frame.shape];
    const id = this.#on.shapes[frame.shape];
    if (shape === undefined || id === undefined || this.#on.live.has(id)) throw outOfPlace("load");
    const puts = batches.loadPuts(this.#replica, id, shape.table, frame.rows);
    const token = frame.token === null ? {} : { token: frame.token };
    this.#persist({ staging: { clear: false, puts, ...token } });
    const done = (this.#loading?.done ?? 0) + frame.rows.length;
    this.#loading = { done, total: Math.max(done, frame.total ?? this.#loading?.total ?? 0) };
    return { kind: "go_on" };
  }

  /** P6. */
  #loadEnd(now: number, frame: Moved & { readonly shapes: readonly number[] }): Verdict {
    const batch = batches.loadEndBatch(this.#replica, this.#on, frame, now);
    const live = new Set([...this.#on.live, ...batches.shapesAt(this.#on, frame.shapes)]);
    this.#on = { ...this.#on, live };
    if (live.size >= this.#on.shapes.length) this.#loading = null;
    return this.#moved(now, batch);
  }

  /** P7. When diverged: again without a cursor; the rows stay visible until the load replaces them. */
  #changes(now: number, frame: Extract<Frame, { kind: "changes" }>): Verdict {
    const batch = batches.changesBatch(this.#replica, this.#on, frame, now);
    if (batch !== null) return this.#moved(now, batch);
    this.#persist({ mark: null, staging: { clear: true, puts: [], token: null } });
    return { kind: "drop", problem: DIVERGED };
  }

  /** P10. */
  #results(now: number, frame: Extract<Frame, { kind: "results" }>): Verdict {
    this.#timer("results", null);
    this.#persistResults(frame.results);
    const verdict = this.#push.handleResults(now, frame.results, frame.problem, this.#parts.delay);
    switch (verdict.kind) {
      case "go_on": {
        const next = this.pump(now);
        return next.kind === "go_on" && frame.problem === null ? { kind: "answered" } : next;
      }
      case "pause":
        this.#timer("push", verdict.until);
        return { kind: "pause", problem: frame.problem };
      case "new_device":
        return { kind: "new_device", lostAbove: this.#replica.meta.lastN };
      case "drop":
      case "stop":
        return verdict;
      default:
        return verdict satisfies never;
    }
  }

  #moved(now: number, batch: Batch): Verdict {
    this.#floor = batch.mark?.pos ?? this.#floor;
    this.#persist(this.#isLive ? { ...batch, lastSynced: now } : batch);
    return { kind: "go_on" };
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
    this.#parts.emit({ kind: "persist", batch, change, moved });
  }

  #checkPos(pos: number, allowed: "equal" | "greater"): void {
    if (this.#floor === null || pos > this.#floor || (allowed === "equal" && pos === this.#floor)) return;
    throw new SwainError("position_went_back", `The server sent position ${pos} after ${this.#floor}.`);
  }

  /** P3. */
  #renewAt(now: number, expires: number | null): void {
    if (expires === null) return;
    const ends = expires - this.#replica.meta.offset;
    this.#timer("token", Math.max(now, ends - RENEW_MS));
  }

  #timer(timer: Timer, at: number | null): void {
    this.#parts.emit({ kind: "timer", timer, at });
  }
}

export function outOfPlace(kind: string): SwainError {
  return new SwainError("bad_frame", `The server sent ${kind} where it does not belong.`);
}
