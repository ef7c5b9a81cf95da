import { SwainError } from "../error.js";
import { backoffMs, HEALTHY_MS } from "./backoff.js";
import { type Frame, parseFrame, type Welcome } from "./frame.js";
import { ackedWithResult } from "./frame-batch.js";
import type { Json } from "./json.js";
import { HIDDEN_MS, Pace } from "./pace.js";
import { reconcile } from "./reconcile.js";
import type { Replica } from "./replica.js";
import type { CloseCause, Input, Output, SessionStatus, SyncState, Timer } from "./session-io.js";
import { type Shape, shapeToJson } from "./shape.js";
import { outOfPlace, Stream, type Verdict } from "./stream.js";

/** No open socket, or no welcome, after this long: the attempt is dead. */
const GREETING_MS = 20_000;

export interface Reconnect {
  /** C8: the first wait. */
  readonly firstMs: number;
  /** So many attempts in a row without a welcome, and it waits for `resume` or `sync`. */
  readonly attemptsMax: number;
}

type Phase =
  | { readonly kind: "idle" }
  /** `held`: the server said when; nothing else may end the wait. */
  | { readonly kind: "waiting"; readonly held: boolean }
  /** C8: the attempts are used up; only a person's wish goes on. */
  | { readonly kind: "given_up" }
  | { readonly kind: "connecting" }
  | { readonly kind: "greeting" }
  | { readonly kind: "open"; readonly stream: Stream }
  /** C27: everything is done. `due`: when the server is asked again; Infinity: when somebody wants it. */
  | { readonly kind: "resting"; readonly due: number }
  /** C10: the outbox is being numbered anew. */
  | { readonly kind: "rewriting" }
  /** A write failed; memory goes back to what storage has. */
  | { readonly kind: "recovering" }
  | { readonly kind: "stopped" };

/**
 * The connection of one leader, without a socket:
 *
 *   idle ─start→ connecting ─opened→ greeting ─welcome→ open ─caught_up→ open (live)
 *     ↑            ↑ ↑                  │                │         given_up ←─ the attempts are used up
 *   pause          │ └──── rewriting ←──┴─ new device ───┤
 *                  └─timer, wake── waiting ←─ closed ────┤        stopped ←─ 4403, second 4401
 *                                     ↑── recovering ←───┘   resting: current; connects when due, or asked
 */
export class Session {
  readonly #replica: Replica;
  readonly #shapes: readonly Shape[];
  readonly #reconnect: Reconnect;
  readonly #random: () => number;
  readonly #pace: Pace;
  #phase: Phase = { kind: "idle" };
  #outputs: Output[] = [];
  #attempt = 0;
  /** Attempts in a row without a welcome. */
  #unanswered = 0;
  #lastByte = 0;
  /** P19: how many numbered frames came on this connection. */
  #frames = 0;
  #goawayMs: number | null = null;
  #tokenRefreshed = false;
  #paused = false;
  #isHidden = false;
  /** When edits that may wait go out; null: none waits. */
  #pushAt: number | null = null;
  #cached = true;
  #problem: SessionStatus["problem"] = null;
  #syncs: { readonly id: string; readonly through: number }[] = [];

  /** `random` gives numbers in [0, 1); with the same ones and the same inputs the outputs are the same. */
  constructor(
    replica: Replica,
    shapes: readonly Shape[],
    reconnect: Reconnect,
    random: () => number,
    pace = new Pace(),
  ) {
    this.#replica = replica;
    this.#pace = pace;
    this.#shapes = shapes;
    this.#reconnect = reconnect;
    this.#random = random;
  }

  get status(): SessionStatus {
    const loading = this.#phase.kind === "open" ? this.#phase.stream.loading : null;
    return { state: this.#state(), cached: this.#cached, loading, problem: this.#problem, paused: this.#paused };
  }

  handle(now: number, input: Input): readonly Output[] {
    this.#outputs = [];
    switch (input.kind) {
      case "start":
      case "resume":
        this.#paused = false;
        this.#resume(now);
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
        this.#handleSaved(now);
        break;
      case "hidden":
        this.#timer("hidden", this.#pace.restsHidden ? now + HIDDEN_MS : null);
        break;
      case "token":
        if (this.#phase.kind === "open") this.#send({ auth: { token: input.token } });
        break;
      case "say":
        if (this.#phase.kind === "open") this.#send({ presence: input.body });
        break;
      case "sync":
        this.#handleSync(now, input.id);
        break;
      case "hydrated":
        this.#handleHydrated(now);
        break;
      case "storage_failed":
        this.#problem = { code: input.code, title: input.title };
        if (this.#isTrying()) this.#leave({ kind: "recovering" });
        break;
      default:
        input satisfies never;
    }
    return this.#outputs;
  }

  // Connection.

  #resume(now: number): void {
    const { kind } = this.#phase;
    this.#unanswered = 0;
    const isIdle = kind === "idle" || kind === "stopped" || kind === "given_up" || kind === "resting";
    if (isIdle) this.#connect(now);
  }

  #connect(now: number, fresh = false): void {
    this.#goawayMs = null;
    this.#unanswered += 1;
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
    this.#frames = 0;
    this.#timer("watchdog", now + GREETING_MS);
    this.#send({
      hello: {
        protocol: 1,
        token,
        device,
        cursor: mark?.cursor ?? null,
        acked: ackedWithResult(this.#replica.outbox, acked),
        shapes: this.#shapes.map(shapeToJson),
        load: loadToken,
        // A version is one of this server's history, as the cursor is.
        schema: mark === null ? 0 : (schema?.version ?? 0),
      },
    });
  }

  #handleClosed(now: number, code: number): void {
    if (!this.#isConnected()) return;
    if (code === 4403) return this.#stop(this.#problem?.code ?? "forbidden", this.#problem?.title ?? "Forbidden");
    if (code !== 4401) return this.#wait(now, code === 1013);
    if (this.#tokenRefreshed) return this.#stop("auth_expired", "The sign-in has expired.");
    this.#tokenRefreshed = true;
    this.#reset({ kind: "idle" });
    this.#connect(now, true);
  }

  /** Ends a connection that cannot be trusted any longer; the next one resumes. */
  #drop(now: number, cause: CloseCause): void {
    if (!this.#isConnected()) return;
    this.#outputs.push({ kind: "close", code: 1000, cause });
    this.#wait(now, false);
  }

  /** C8. */
  #wait(now: number, overloaded: boolean): void {
    if (this.#phase.kind === "open" && now - this.#phase.stream.since >= HEALTHY_MS) this.#attempt = 0;
    if (this.#unanswered >= this.#reconnect.attemptsMax) return this.#giveUp();
    const { firstMs } = this.#reconnect;
    const jitter = backoffMs(this.#attempt, firstMs, this.#random());
    const delay = this.#goawayMs ?? (overloaded ? Math.max(firstMs, jitter) : jitter);
    const held = this.#goawayMs !== null || overloaded;
    this.#attempt += 1;
    this.#reset({ kind: "waiting", held });
    this.#failSyncs();
    this.#timer("reconnect", now + delay);
  }

  #giveUp(): void {
    const title = `The server was not reached in ${this.#unanswered} attempts.`;
    this.#problem = { code: "attempts_used_up", title };
    this.#leave({ kind: "given_up" });
  }

  #stop(code: string, title: string): void {
    this.#problem = { code, title };
    this.#leave({ kind: "stopped" });
  }

  #leave(phase: Phase): void {
    if (this.#isConnected()) this.#outputs.push({ kind: "close", code: 1000, cause: "left" });
    this.#reset(phase);
    // A new device id goes on with what it was asked for.
    if (phase.kind !== "rewriting") this.#failSyncs();
  }

  #reset(phase: Phase): void {
    this.#phase = phase;
    this.#pushAt = null;
    for (const timer of ["reconnect", "watchdog", "push", "results", "token"] as const) this.#timer(timer, null);
  }

  #handleTimer(now: number, timer: Timer): void {
    switch (timer) {
      case "reconnect":
        if (this.#phase.kind === "waiting" || this.#phase.kind === "resting") this.#connect(now);
        return;
      case "hidden":
        this.#isHidden = true;
        return this.#handleHidden(now);
      case "watchdog":
        return this.#watch(now);
      case "push":
        this.#pushAt = null;
        if (this.#phase.kind === "open") this.#follow(now, this.#phase.stream.pump(now));
        return;
      case "results":
        return this.#drop(now, "dead");
      case "token":
        if (this.#phase.kind === "open") this.#outputs.push({ kind: "token" });
        return;
      default:
        timer satisfies never;
    }
  }

  #watch(now: number): void {
    if (this.#phase.kind !== "open") return this.#drop(now, "dead");
    const dead = this.#phase.stream.deadAt(this.#lastByte);
    if (now >= dead) this.#drop(now, "dead");
    else this.#timer("watchdog", dead);
  }

  #handleWake(now: number): void {
    this.#isHidden = false;
    this.#timer("hidden", null);
    if (this.#phase.kind === "resting") this.#restUntil(now, this.#nextLook(this.#replica.meta.lastSynced ?? 0));
    if (this.#phase.kind === "open" && now >= this.#phase.stream.deadAt(this.#lastByte)) {
      this.#drop(now, "dead");
      this.#connect(now);
    } else if (this.#phase.kind === "waiting" && !this.#phase.held) {
      this.#connect(now);
    }
  }

  #handleHydrated(now: number): void {
    switch (this.#phase.kind) {
      case "rewriting": {
        const through = this.#replica.meta.lastN;
        this.#syncs = this.#syncs.map(({ id }) => ({ id, through }));
        return this.#connect(now);
      }
      case "recovering":
        return this.#wait(now, false);
      case "open":
        return this.#follow(now, this.#phase.stream.handleHydrated(now));
      case "idle":
      case "waiting":
      case "given_up":
      case "connecting":
      case "greeting":
      case "resting":
      case "stopped":
        return;
      default:
        this.#phase satisfies never;
    }
  }

  // Frames.

  #handleText(now: number, text: string): void {
    if (this.#phase.kind !== "greeting" && this.#phase.kind !== "open") return;
    this.#lastByte = now;
    try {
      this.#handleFrame(now, this.#nextFrame(text));
    } catch (error) {
      if (!(error instanceof SwainError)) throw error;
      this.#problem = { code: error.code, title: error.message };
      this.#drop(now, "dead");
    }
  }

  /** P19: what lies between device and server may lose, double or swap frames. */
  #nextFrame(text: string): Frame {
    const { number, frame } = parseFrame(text);
    if (number === null) return frame;
    this.#frames += 1;
    if (number === this.#frames) return frame;
    throw new SwainError("frame_missing", `The server's frame ${number} came as number ${this.#frames}.`);
  }

  #handleFrame(now: number, frame: Frame): void {
    switch (frame.kind) {
      case "ignored":
        return;
      case "presence":
        this.#outputs.push({ kind: "heard", body: frame.body });
        return;
      case "problem":
        this.#problem = frame.problem;
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
        return this.#follow(now, this.#phase.stream.handle(now, frame));
    }
  }

  /** P4, C10. */
  #welcome(now: number, frame: Welcome): void {
    this.#tokenRefreshed = false;
    this.#unanswered = 0;
    const decided = reconcile(this.#replica, frame.last);
    if (decided.kind === "new_device") return this.#newDevice(decided.lostAbove);
    const parts = {
      replica: this.#replica,
      shapes: this.#shapes,
      delay: { firstMs: this.#reconnect.firstMs, random: this.#random },
      emit: (output: Output): void => void this.#outputs.push(output),
    };
    const stream = new Stream(now, parts, frame, decided);
    this.#phase = { kind: "open", stream };
    this.#timer("watchdog", stream.deadAt(now));
    this.#follow(now, stream.pump(now));
  }

  #follow(now: number, verdict: Verdict): void {
    switch (verdict.kind) {
      case "go_on":
        break;
      case "caught_up":
        this.#cached = false;
        this.#problem = null;
        if (this.#reconnect.firstMs < 1000) this.#attempt = 0;
        break;
      case "answered":
        this.#problem = null;
        break;
      case "pause":
        this.#problem = verdict.problem ?? this.#problem;
        break;
      case "drop":
        this.#problem = verdict.problem;
        return this.#drop(now, "left");
      case "stop":
        return this.#stop(verdict.problem.code, verdict.problem.title);
      case "new_device":
        return this.#newDevice(verdict.lostAbove);
      default:
        verdict satisfies never;
    }
    this.#finishSyncs();
    this.#restWhenDone(now);
  }

  #newDevice(lostAbove: number): void {
    this.#leave({ kind: "rewriting" });
    this.#outputs.push({ kind: "rewrite", lostAbove });
  }

  // C27: resting.

  /** When the server is to be asked again, after it was asked at `last`. */
  #nextLook(last: number): number {
    if (this.#isHidden && this.#pace.restsHidden) return Number.POSITIVE_INFINITY;
    return last + this.#pace.freshnessMs(this.#shapes);
  }

  #restWhenDone(now: number): void {
    if (this.#phase.kind !== "open" || !this.#phase.stream.isLive || !this.#phase.stream.isIdle) return;
    const next = this.#nextLook(now);
    if (next <= now || this.#syncs.length > 0 || this.#replica.outbox.pendingCount > 0) return;
    this.#leave({ kind: "resting", due: next });
    this.#restUntil(now, next);
  }

  #restUntil(now: number, due: number): void {
    if (due <= now) return this.#connect(now);
    this.#phase = { kind: "resting", due };
    this.#timer("reconnect", due === Number.POSITIVE_INFINITY ? null : due);
  }

  #handleHidden(now: number): void {
    if (this.#phase.kind === "resting") this.#restUntil(now, Number.POSITIVE_INFINITY);
    else this.#restWhenDone(now);
  }

  /** An edit may wait for others, but never longer than the first of them. */
  #handleSaved(now: number): void {
    const { kind } = this.#phase;
    if (kind !== "open" && kind !== "resting") return;
    const wait = this.#pace.throttleMs(this.#replica.outbox.pending());
    const at = Math.min(this.#pushAt ?? Number.POSITIVE_INFINITY, now + wait);
    if (this.#phase.kind === "resting") return this.#restUntil(now, Math.min(this.#phase.due, at));
    if (this.#phase.kind !== "open") return;
    this.#pushAt = at > now ? at : null;
    if (at > now) this.#timer("push", at);
    else this.#follow(now, this.#phase.stream.pump(now));
  }

  // Syncs that somebody waits for.

  #handleSync(now: number, id: string): void {
    this.#syncs.push({ id, through: this.#replica.meta.lastN });
    if (this.#phase.kind === "open" && this.#pushAt !== null) this.#handleTimer(now, "push");
    const { kind } = this.#phase;
    if (kind === "idle" || kind === "stopped" || this.#isHeld()) return this.#failSyncs();
    if (kind === "waiting" || kind === "resting") this.#connect(now);
    if (kind === "given_up") this.#resume(now);
    this.#finishSyncs();
  }

  #finishSyncs(): void {
    if (this.#phase.kind !== "open" || !this.#phase.stream.isLive) return;
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

  #isTrying(): boolean {
    const { kind } = this.#phase;
    return kind !== "idle" && kind !== "stopped" && kind !== "given_up";
  }

  #isConnected(): boolean {
    const { kind } = this.#phase;
    return kind === "connecting" || kind === "greeting" || kind === "open";
  }

  #state(): SyncState {
    switch (this.#phase.kind) {
      case "idle":
      case "waiting":
      case "given_up":
      case "recovering":
        return "offline";
      case "connecting":
      case "greeting":
      case "rewriting":
        return "connecting";
      case "open":
        return this.#phase.stream.isLive ? "live" : "syncing";
      case "resting":
        return "resting";
      case "stopped":
        return "stopped";
      default:
        return this.#phase satisfies never;
    }
  }
}
