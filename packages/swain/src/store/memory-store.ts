import { Aliases } from "../engine/alias.js";
import { type Batch, type HeldRow, type Meta, metaAfter, newMeta, type Stored } from "../engine/batch.js";
import { type Entry, isSaved, resolveAfter } from "../engine/entry.js";
import { HeldRows } from "../engine/held-rows.js";
import { renumbered, settled } from "../engine/renumber.js";
import { blocksBefore } from "../engine/temporary.js";
import { isLostAbove, type Leadership, type Store, StoreError } from "./store.js";

/** A store that is gone with the page: private windows, insecure contexts, tests. */
export class MemoryStore implements Store {
  readonly isPersistent = false;
  readonly #rows = new HeldRows();
  readonly #staging = new HeldRows();
  #outbox = new Map<number, Entry>();
  #aliases = new Aliases();
  #meta: Meta;

  constructor(device: string) {
    this.#meta = newMeta(device);
  }

  async read(): Promise<Stored> {
    return {
      meta: this.#meta,
      rows: [...this.#rows.all()],
      staging: [...this.#staging.all()],
      outbox: [...this.#outbox.values()],
      aliases: this.#aliases.all(),
    };
  }

  async reserve(): Promise<number> {
    const blocks = (this.#meta.blocks ?? blocksBefore(this.#meta.device)) + 1;
    this.#meta = { ...this.#meta, blocks };
    return blocks;
  }

  async readOutbox(): Promise<Pick<Stored, "meta" | "outbox">> {
    return { meta: this.#meta, outbox: [...this.#outbox.values()] };
  }

  async append(entry: Entry): Promise<Entry> {
    const entries = [...this.#outbox.values()].filter(isSaved);
    const known = entries.find((other) => other.uid === entry.uid);
    if (known !== undefined) return known;
    const pending = entries.filter((other) => other.state.kind === "pending");
    const ops = resolveAfter(entry.ops, (was) => {
      const seen = pending.find((other) => ("after" in was ? other.n === was.after : other.uid === was.afterUid));
      return seen?.n ?? null;
    });
    const n = this.#meta.lastN + 1;
    const saved: Entry = { ...entry, n, ops };
    this.#meta = { ...this.#meta, lastN: n };
    this.#outbox.set(n, saved);
    return saved;
  }

  async remove(n: number): Promise<void> {
    this.#outbox.delete(n);
  }

  async lead(): Promise<Leadership> {
    this.#meta = { ...this.#meta, generation: this.#meta.generation + 1 };
    return this.#meta;
  }

  async write(generation: number, batch: Batch): Promise<number> {
    this.#fence(generation);
    for (const write of batch.rows ?? []) this.#rows.write(write);
    for (const entry of batch.entries ?? []) if (isSaved(entry)) this.#outbox.set(entry.n, entry);
    for (const n of batch.gone ?? []) this.#outbox.delete(n);
    if (batch.staging?.clear === true) this.#staging.clear();
    const puts: readonly HeldRow[] = batch.staging?.puts ?? [];
    for (const held of puts) this.#staging.put(held);
    for (const alias of batch.aliases ?? []) this.#aliases.put(alias);
    this.#meta = { ...metaAfter(this.#meta, batch), number: this.#meta.number + 1 };
    return this.#meta.number;
  }

  async rewrite(generation: number, device: string, lostAbove: number): Promise<void> {
    this.#fence(generation);
    const { aliases, settle } = settled(this.#meta.schema, this.#aliases.all(), lostAbove);
    const next = renumbered([...this.#outbox.values()], (entry) => isLostAbove(entry, lostAbove), settle);
    this.#aliases = new Aliases(aliases);
    this.#outbox = new Map(next.entries.filter(isSaved).map((entry) => [entry.n, entry]));
    const number = this.#meta.number + 1;
    this.#meta = { ...this.#meta, device, lastN: next.lastN, acked: 0, number };
  }

  close(): void {}

  #fence(generation: number): void {
    if (generation !== this.#meta.generation) throw new StoreError("fenced", "Another tab leads.");
  }
}
