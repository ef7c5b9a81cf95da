import { type Alias, Aliases, type Place, placeName, placesOf } from "./alias.js";
import { type Batch, type Change, type ChangedRow, type HeldRow, type Meta, metaAfter, type Stored } from "./batch.js";
import type { Entry } from "./entry.js";
import { HeldRows } from "./held-rows.js";
import { type Indexes, VisibleRows } from "./index-rows.js";
import { equalJson, type Json } from "./json.js";
import { applyOperation, columnsWritten, type Operation, targetOf } from "./operation.js";
import { Outbox } from "./outbox.js";
import { type Key, keyText, type Row } from "./schema.js";

export type RowState = "synced" | "pending" | "refused";

export interface VisibleRow {
  readonly key: Key;
  readonly keyText: string;
  readonly row: Row;
}

/** What a step can touch: key text to key, by table. */
type Touched = Map<string, Map<string, Key>>;

/**
 * The memory copy of one tab. C1: visible = confirmed + overlay, after every method.
 * Each method that changes something returns what changed in the visible rows.
 */
export class Replica {
  readonly outbox: Outbox;
  readonly staging = new HeldRows();
  readonly confirmed = new HeldRows();
  readonly #indexes: Indexes;
  readonly #visible = new Map<string, VisibleRows>();
  #shapes: ReadonlySet<string>;
  #meta: Meta;
  #orphans: readonly HeldRow[] = [];
  #aliases = new Aliases();
  /** Operations as they are looked at, until an alias comes. */
  #seen = new WeakMap<readonly Operation[], readonly Operation[]>();

  constructor(stored: Stored, shapes: readonly string[], indexes: Indexes = {}) {
    this.#shapes = new Set(shapes);
    this.#indexes = indexes;
    this.#meta = stored.meta;
    this.outbox = new Outbox((ops) => this.#look(ops));
    this.rehydrate(stored);
  }

  get meta(): Meta {
    return this.#meta;
  }

  /** C19: what keys stand for that this device proposed. */
  get aliases(): Aliases {
    return this.#aliases;
  }

  /** The key of the row that a key means now. */
  resolve(table: string, key: Key): Key {
    return this.#aliases.key(this.#meta.schema, table, key);
  }

  /** Rows in storage that only shapes hold that the application no longer asks for. They go with the next cursor. */
  get orphans(): readonly HeldRow[] {
    return this.#orphans;
  }

  /** What the application asks for from now on; `rehydrate` follows. */
  setShapes(shapes: readonly string[]): void {
    this.#shapes = new Set(shapes);
  }

  /** Takes everything from storage again; mutations whose strict write is still running stay. */
  rehydrate(stored: Stored): Change {
    const touched: Touched = new Map();
    for (const [table, rows] of this.#visible) {
      for (const { key, keyText } of rows.all()) touch(touched, table, keyText, key);
    }
    this.#meta = stored.meta;
    this.confirmed.clear();
    this.staging.clear();
    const younger = this.#savedAfter(stored);
    this.outbox.clearSaved();
    this.#aliases = new Aliases(stored.aliases);
    this.#seen = new WeakMap();
    for (const entry of this.outbox.unsaved()) this.outbox.reindex(entry);
    const held = stored.rows.map((row) => ({ ...row, in: row.in.filter((id) => this.#shapes.has(id)) }));
    this.#orphans = held.filter((row) => row.in.length === 0);
    for (const row of held) {
      if (row.in.length === 0) continue;
      this.confirmed.put(row);
      touch(touched, row.table, row.keyText, row.key);
    }
    for (const row of stored.staging) this.staging.put(row);
    for (const entry of [...stored.outbox, ...younger]) this.#putEntry(touched, entry);
    for (const entry of this.outbox.unsaved()) this.#touchEntry(touched, entry);
    return this.#change(this.#refresh(touched), "server");
  }

  /** C3, C4: one step, whatever the batch holds. `number` is that of the write in storage. */
  apply(batch: Batch): Change {
    const touched: Touched = new Map();
    const news = batch.aliases ?? [];
    this.#learn(touched, news);
    for (const write of batch.rows ?? []) {
      const { table, keyText } = write.kind === "put" ? write.held : write;
      const key = write.kind === "put" ? write.held.key : this.confirmed.row(table, keyText)?.key;
      if (key !== undefined) touch(touched, table, keyText, key);
      this.confirmed.write(write);
    }
    for (const entry of batch.entries ?? []) this.#putEntry(touched, entry);
    for (const n of batch.gone ?? []) this.#removeEntry(touched, n);
    if (batch.staging?.clear === true) this.staging.clear();
    for (const held of batch.staging?.puts ?? []) this.staging.put(held);
    if (batch.mark !== undefined) this.#orphans = [];
    // A new schema may give the rows of an insert other columns.
    const rows = batch.schema === undefined ? touched : this.#touchPending(touched);
    this.#meta = metaAfter(this.#meta, batch);
    if (batch.schema !== undefined) this.#lookAgain();
    return this.#change(this.#refresh(rows), "server", news);
  }

  /** C2: visible at once. Also gives an unsaved mutation its n, and hears of other tabs' mutations. */
  putEntry(entry: Entry): Change {
    const touched: Touched = new Map();
    this.#putEntry(touched, entry);
    return this.#change(this.#refresh(touched), "local");
  }

  removeEntry(n: number): Change {
    const touched: Touched = new Map();
    this.#removeEntry(touched, n);
    return this.#change(this.#refresh(touched), "local");
  }

  /** The strict write failed. */
  removeUnsaved(uid: string): Change {
    const touched: Touched = new Map();
    for (const entry of this.outbox.unsaved()) if (entry.uid === uid) this.#touchEntry(touched, entry);
    this.outbox.removeUnsaved(uid);
    return this.#change(this.#refresh(touched), "local");
  }

  /**
   * Takes mutations from storage that this tab did not hear of. A leader does not read the rest again:
   * what it has in memory may be ahead of storage.
   */
  mergeOutbox(stored: Pick<Stored, "meta" | "outbox">): Change {
    const touched: Touched = new Map();
    if (stored.meta.device === this.#meta.device) {
      for (const entry of stored.outbox) {
        const { n, state } = entry;
        if (n === null || n <= this.#meta.acked || state.kind !== "pending") continue;
        if (this.outbox.entry(n) === undefined) this.#putEntry(touched, entry);
      }
    }
    return this.#change(this.#refresh(touched), "local");
  }

  /** Remembers the number of the leader's write, so that a missing one is noticed. */
  noteNumber(number: number): void {
    this.#meta = { ...this.#meta, number };
  }

  row(table: string, key: string): Row | undefined {
    return this.visible(table, key)?.row;
  }

  visible(table: string, key: string): VisibleRow | undefined {
    return this.#visible.get(table)?.get(key);
  }

  rows(table: string): Iterable<VisibleRow> {
    return this.#visible.get(table)?.all() ?? [];
  }

  /** At least all rows that have these values. */
  candidates(table: string, equal: Readonly<Record<string, Json>>): Iterable<VisibleRow> {
    return this.#visible.get(table)?.candidates(equal) ?? [];
  }

  /** M3: which pending mutation the visible value of each column came from; "*" stands for the other columns. */
  writers(table: string, key: string): ReadonlyMap<string, Entry> {
    const writers = new Map<string, Entry>();
    for (const entry of this.outbox.pendingOn(table, key)) {
      for (const operation of this.outbox.ops(entry)) {
        const target = targetOf(operation);
        if (target.table !== table || keyText(target.key) !== key) continue;
        const columns = columnsWritten(operation);
        if (columns === null) writers.clear();
        for (const column of columns ?? ["*"]) writers.set(column, entry);
      }
    }
    return writers;
  }

  rowState(table: string, key: string): RowState {
    if (this.outbox.pendingOn(table, key).length > 0) return "pending";
    const isTarget = (entry: Entry): boolean =>
      this.outbox
        .ops(entry)
        .map(targetOf)
        .some((target) => target.table === table && keyText(target.key) === key);
    return this.outbox.refused().some(isTarget) ? "refused" : "synced";
  }

  /** Mutations whose strict write ended after storage was read. */
  #savedAfter(stored: Stored): readonly Entry[] {
    const known = new Set(stored.outbox.map((entry) => entry.uid));
    return this.outbox
      .saved()
      .filter(({ n, state, uid }) => state.kind === "pending" && n > stored.meta.lastN && !known.has(uid));
  }

  #putEntry(touched: Touched, entry: Entry): void {
    const old = entry.n === null ? undefined : this.outbox.entry(entry.n);
    if (old !== undefined) this.#touchEntry(touched, old);
    this.#touchEntry(touched, entry);
    this.outbox.put(entry);
    if (entry.n !== null && entry.n > this.#meta.lastN) this.#meta = { ...this.#meta, lastN: entry.n };
  }

  #removeEntry(touched: Touched, n: number): void {
    const entry = this.outbox.entry(n);
    if (entry !== undefined) this.#touchEntry(touched, entry);
    this.outbox.remove(n);
  }

  #touchPending(touched: Touched): Touched {
    for (const entry of [...this.outbox.saved(), ...this.outbox.unsaved()]) {
      if (entry.state.kind === "pending") this.#touchEntry(touched, entry);
    }
    return touched;
  }

  /** Works out the visible rows that a step may have changed. An equal row keeps its identity. */
  #refresh(touched: Touched): readonly ChangedRow[] {
    const changed: ChangedRow[] = [];
    for (const [table, keys] of touched) {
      const rows = this.#visible.get(table) ?? new VisibleRows(this.#indexes[table]);
      this.#visible.set(table, rows);
      for (const [text, key] of keys) {
        const before = rows.get(text)?.row ?? null;
        const after = this.#computed(table, text);
        if (before === after || (before !== null && after !== null && equalJson(before, after))) continue;
        if (after === null) rows.remove(text);
        else rows.put({ key, keyText: text, row: after });
        changed.push({ table, key, before, after });
      }
    }
    return changed;
  }

  #computed(table: string, key: string): Row | null {
    let row = this.confirmed.row(table, key)?.row ?? null;
    const schema = this.#meta.schema?.tables[table];
    if (schema === undefined) return row;
    for (const entry of this.outbox.pendingOn(table, key)) {
      for (const operation of this.outbox.ops(entry)) {
        const target = targetOf(operation);
        if (target.table === table && keyText(target.key) === key) row = applyOperation(row, operation, schema);
      }
    }
    return row;
  }

  /** P25, C19: pending mutations are looked at with the new keys, in this step. */
  #learn(touched: Touched, news: readonly Alias[]): void {
    if (news.length === 0) return;
    const { schema } = this.#meta;
    const names = new Set(news.map(({ table, from }) => placeName(table, from)));
    const isNamed = ({ table, key }: Place): boolean => names.has(placeName(table, key));
    const affected = this.outbox
      .pending()
      .filter((entry) => placesOf(schema, [...entry.ops, ...this.outbox.ops(entry)]).some(isNamed));
    for (const entry of affected) this.#touchEntry(touched, entry);
    for (const alias of news) this.#aliases.put(alias);
    this.#seen = new WeakMap();
    for (const entry of affected) {
      this.outbox.reindex(entry);
      this.#touchEntry(touched, entry);
    }
  }

  /** The schema says which columns are references. */
  #lookAgain(): void {
    this.#seen = new WeakMap();
    for (const entry of this.outbox.pending()) this.outbox.reindex(entry);
  }

  #look(ops: readonly Operation[]): readonly Operation[] {
    const known = this.#seen.get(ops);
    if (known !== undefined) return known;
    const seen = this.#aliases.operations(this.#meta.schema, ops);
    this.#seen.set(ops, seen);
    return seen;
  }

  #touchEntry(touched: Touched, entry: Entry): void {
    for (const { table, key } of this.outbox.ops(entry).map(targetOf)) touch(touched, table, keyText(key), key);
  }

  #change(rows: readonly ChangedRow[], origin: Change["origin"], aliases: readonly Alias[] = []): Change {
    return { pos: this.#meta.mark?.pos ?? null, rows, origin, aliases };
  }
}

function touch(touched: Touched, table: string, text: string, key: Key): void {
  const keys = touched.get(table);
  if (keys === undefined) touched.set(table, new Map([[text, key]]));
  else keys.set(text, key);
}
