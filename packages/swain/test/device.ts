import { newMeta, type Stored } from "../src/engine/batch";
import type { Entry } from "../src/engine/entry";
import { isSaved } from "../src/engine/entry";
import type { Json } from "../src/engine/json";
import type { Operation } from "../src/engine/operation";
import { renumbered, settled } from "../src/engine/renumber";
import { Replica } from "../src/engine/replica";
import type { Schema } from "../src/engine/schema";
import { Session } from "../src/engine/session";
import type { Input, Output, Timer } from "../src/engine/session-io";
import { type Shape, shapeId } from "../src/engine/shape";
import { isLostAbove } from "../src/store/store";

export type Message = Readonly<Record<string, Readonly<Record<string, Json>>>>;

/** A session with its replica and nothing else: what it asks for is written down, storage is memory itself. */
export class Device {
  readonly replica: Replica;
  readonly session: Session;
  readonly outputs: Output[] = [];
  readonly timers = new Map<Timer, number>();
  now = 1_700_000_000_000;
  /** What the session draws. */
  random = 0.5;
  #device = 0;

  constructor(shapes: readonly Shape[], schema: Schema | null, firstMs = 1000, attemptsMax = Number.POSITIVE_INFINITY) {
    const meta = { ...newMeta("device-0"), schema };
    this.replica = new Replica({ meta, rows: [], staging: [], outbox: [] }, shapes.map(shapeId));
    this.session = new Session(this.replica, shapes, { firstMs, attemptsMax }, () => this.random);
  }

  get isConnected(): boolean {
    const { state } = this.session.status;
    return state === "syncing" || state === "live";
  }

  /** What was sent since the last call. */
  sent(): readonly Message[] {
    const texts = this.outputs.splice(0).flatMap((output) => (output.kind === "send" ? [output.text] : []));
    return texts.map((text) => JSON.parse(text) as Message);
  }

  handle(input: Input): readonly Output[] {
    const outputs = this.session.handle(this.now, input);
    this.outputs.push(...outputs);
    for (const output of outputs) {
      if (output.kind === "timer" && output.at !== null) this.timers.set(output.timer, output.at);
      if (output.kind === "timer" && output.at === null) this.timers.delete(output.timer);
      if (output.kind === "rewrite") this.#rewrite(output.lostAbove);
    }
    return outputs;
  }

  frame(frame: Json): readonly Output[] {
    return this.handle({ kind: "frame", text: JSON.stringify(frame) });
  }

  /** A new connection up to hello, whatever there was. */
  reconnect(): void {
    if (this.isConnected) this.handle({ kind: "closed", code: 1006 });
    if (this.session.status.state === "offline") {
      this.handle({ kind: "start" });
      this.fire("reconnect");
    }
    this.handle({ kind: "opened", token: null });
  }

  fire(timer: Timer): void {
    const at = this.timers.get(timer);
    if (at === undefined) return;
    this.timers.delete(timer);
    this.now = Math.max(this.now, at);
    this.handle({ kind: "timer", timer });
  }

  /** A mutation that is saved at once. */
  mutate(ops: readonly Operation[]): void {
    const { meta } = this.replica;
    const n = meta.lastN + 1;
    const entry: Entry = {
      uid: `uid-${this.#device}-${n}`,
      n,
      base: meta.mark?.pos ?? 0,
      at: this.now,
      schema: meta.schema?.version ?? 0,
      ops,
      state: { kind: "pending", result: null },
    };
    this.replica.putEntry(entry);
    this.handle({ kind: "saved" });
  }

  stored(): Stored {
    const rows = [...this.replica.confirmed.all()];
    const staging = [...this.replica.staging.all()];
    const aliases = this.replica.aliases.all();
    return { meta: this.replica.meta, rows, staging, outbox: this.replica.outbox.saved(), aliases };
  }

  #rewrite(lostAbove: number): void {
    const stored = this.stored();
    const { aliases, settle } = settled(stored.meta.schema, stored.aliases ?? [], lostAbove);
    const next = renumbered(stored.outbox, (entry) => isLostAbove(entry, lostAbove), settle);
    this.#device += 1;
    const meta = { ...stored.meta, device: `device-${this.#device}`, lastN: next.lastN, acked: 0 };
    this.replica.rehydrate({ ...stored, meta, outbox: next.entries.filter(isSaved), aliases });
    this.handle({ kind: "hydrated" });
  }
}
