import type { Batch, Change } from "../engine/batch.js";
import type { JsonObject } from "../engine/json.js";
import type { Pace } from "../engine/pace.js";
import type { Replica } from "../engine/replica.js";
import { type Reconnect, Session } from "../engine/session.js";
import type { CloseCause, Input, Output, Timer } from "../engine/session-io.js";
import type { Shape } from "../engine/shape.js";
import type { Environment } from "../environment.js";
import { SwainError } from "../error.js";
import { type Store, StoreError } from "../store/store.js";
import { CLOSED_ABNORMALLY, type Connection, type Transport } from "../transport/transport.js";
import type { LinkStatus } from "./message.js";

export interface LeaderParts {
  readonly environment: Environment;
  readonly store: Store;
  readonly generation: number;
  readonly replica: Replica;
  readonly shapes: readonly Shape[];
  readonly reconnect: Reconnect;
  readonly pace: Pace;
  readonly transport: Transport;
  /** A SwainError with code `offline` when the server is not reached; any other code: signed out. */
  token(fresh: boolean): Promise<string | null>;
  debug(line: string): void;
}

export interface LeaderEvents {
  changed(change: Change, batch: Batch, moved: boolean): void;
  persisted(number: number, batch: Batch): void;
  status(): void;
  /** To the other tabs; after the writes that it is about, so that none of them is told what it does not see yet. */
  announce(status: LinkStatus): void;
  synced(id: string, error: string | null): void;
  /** P28. */
  heard(body: JsonObject): void;
  /** Read all of storage into the replica; only while there is no connection. */
  reread(): Promise<void>;
  /** Read what other tabs saved. */
  rereadOutbox(): Promise<void>;
  /** The device id is another one: the other tabs must read, too. */
  rewritten(): void;
  /** This tab may or can not lead any longer. */
  lost(error: unknown): void;
}

/** Carries out what the session asks for: sockets, timers, writes in order. Decides nothing. */
export class Leader {
  readonly #parts: LeaderParts;
  readonly #events: LeaderEvents;
  readonly #session: Session;
  readonly #timers = new Map<Timer, () => void>();
  readonly #inputs: Input[] = [];
  #isHandling = false;
  #connection: Connection | null = null;
  /** Events of an earlier connection are not heard. */
  #attempt = 0;
  #writes: Promise<void> = Promise.resolve();
  /** After a failed write the ones behind it would leave a hole. */
  #run = 0;
  #term: "leading" | "ending" | "ended" = "leading";
  #told = "";

  constructor(parts: LeaderParts, events: LeaderEvents) {
    this.#parts = parts;
    this.#events = events;
    const { replica, shapes, reconnect, environment, pace } = parts;
    this.#session = new Session(replica, shapes, reconnect, () => environment.random(), pace);
  }

  get generation(): number {
    return this.#parts.generation;
  }

  get status(): LinkStatus {
    const { status } = this.#session;
    const isWelcomed = status.state === "syncing" || status.state === "live";
    return { ...status, transport: isWelcomed ? (this.#connection?.kind ?? null) : null };
  }

  handle(input: Input): void {
    this.#inputs.push(input);
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        if (this.#term === "ended") continue;
        for (const output of this.#session.handle(this.#parts.environment.now(), next)) this.#perform(output);
      }
    } finally {
      this.#isHandling = false;
    }
    this.#tellStatus();
  }

  announce(): void {
    const { status } = this;
    this.#enqueue(async () => this.#events.announce(status));
  }

  /** Closes the connection; resolves when what was under way is written. */
  end(): Promise<void> {
    this.#term = "ending";
    this.handle({ kind: "pause" });
    this.#term = "ended";
    return this.#writes;
  }

  #perform(output: Output): void {
    switch (output.kind) {
      case "connect":
        void this.#connect(output.fresh);
        return;
      case "send":
        this.#parts.debug(`> ${output.text}`);
        this.#connection?.send(output.text);
        return;
      case "close":
        return this.#close(output.code, output.cause);
      case "persist":
        this.#events.changed(output.change, output.batch, output.moved);
        return this.#write(output.batch);
      case "rewrite":
        return this.#rewrite(output.lostAbove);
      case "reread":
        return this.#enqueue(async () => {
          await this.#events.rereadOutbox();
          this.handle({ kind: "hydrated" });
        });
      case "timer":
        return this.#setTimer(output.timer, output.at);
      case "token":
        void this.#renew();
        return;
      case "heard":
        return this.#events.heard(output.body);
      case "synced":
        return this.#events.synced(output.id, output.error);
      default:
        output satisfies never;
    }
  }

  async #connect(fresh: boolean): Promise<void> {
    this.#close(1000, "left");
    const attempt = this.#attempt;
    const isCurrent = (): boolean => attempt === this.#attempt && this.#term === "leading";
    let token: string | null;
    try {
      token = await this.#parts.token(fresh);
    } catch (error) {
      if (isCurrent()) this.#handleNoToken(error);
      return;
    }
    if (!isCurrent()) return;
    this.#connection = this.#parts.transport.open({
      opened: () => {
        if (isCurrent()) this.handle({ kind: "opened", token });
      },
      frame: (text) => {
        if (!isCurrent()) return;
        this.#parts.debug(`< ${text}`);
        this.handle({ kind: "frame", text });
      },
      closed: (code) => {
        if (!isCurrent()) return;
        this.#parts.debug(`closed ${code}`);
        this.#connection = null;
        this.#attempt += 1;
        this.handle({ kind: "closed", code });
      },
    });
  }

  #handleNoToken(error: unknown): void {
    const isOffline = error instanceof SwainError && error.code === "offline";
    if (isOffline) return this.handle({ kind: "closed", code: CLOSED_ABNORMALLY });
    const code = error instanceof SwainError ? error.code : "signed_out";
    this.handle({ kind: "signed_out", code, title: error instanceof Error ? error.message : String(error) });
  }

  /** When it fails the stream ends with its token, and the way of 4401 tells. */
  async #renew(): Promise<void> {
    try {
      const token = await this.#parts.token(true);
      if (token !== null) this.handle({ kind: "token", token });
    } catch (error) {
      this.#parts.debug(`no new token: ${String(error)}`);
    }
  }

  #close(code: number, cause: CloseCause): void {
    this.#attempt += 1;
    const connection = this.#connection;
    this.#connection = null;
    connection?.close(code, cause);
  }

  #write(batch: Batch): void {
    this.#enqueue(async () => {
      const number = await this.#parts.store.write(this.#parts.generation, batch);
      this.#events.persisted(number, batch);
    });
  }

  #rewrite(lostAbove: number): void {
    this.#enqueue(async () => {
      const { store, generation, environment } = this.#parts;
      await store.rewrite(generation, environment.uuid(), lostAbove);
      await this.#events.reread();
      this.#events.rewritten();
      this.handle({ kind: "hydrated" });
    });
  }

  /** Storage work in order, one after the other. */
  #enqueue(work: () => Promise<void>): void {
    const run = this.#run;
    this.#writes = this.#writes.then(async () => {
      if (run !== this.#run) return;
      try {
        await work();
      } catch (error) {
        await this.#handleFailure(error);
      }
    });
  }

  /** Memory is ahead of storage now: go back to what is durable, and resume from there. */
  async #handleFailure(error: unknown): Promise<void> {
    this.#run += 1;
    if (this.#term !== "leading") return;
    this.#parts.debug(`storage: ${String(error)}`);
    if (error instanceof StoreError && error.kind === "fenced") return this.#events.lost(error);
    this.handle({ kind: "storage_failed", ...problemOf(error) });
    try {
      await this.#events.reread();
      this.handle({ kind: "hydrated" });
    } catch (again) {
      this.#events.lost(again);
    }
  }

  #setTimer(timer: Timer, at: number | null): void {
    this.#timers.get(timer)?.();
    this.#timers.delete(timer);
    if (at === null) return;
    const { environment } = this.#parts;
    const stop = environment.setTimer(Math.max(0, at - environment.now()), () => {
      this.#timers.delete(timer);
      this.handle({ kind: "timer", timer });
    });
    this.#timers.set(timer, stop);
  }

  #tellStatus(): void {
    const text = JSON.stringify(this.status);
    if (text === this.#told || this.#term !== "leading") return;
    this.#told = text;
    this.announce();
    this.#events.status();
  }
}

export function problemOf(error: unknown): { readonly code: string; readonly title: string } {
  if (!(error instanceof StoreError)) return { code: "storage_failed", title: String(error) };
  const code = error.kind === "quota" ? "quota_exceeded" : "storage_failed";
  return { code, title: error.message };
}
