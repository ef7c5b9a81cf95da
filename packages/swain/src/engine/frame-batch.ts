import { type Alias, Aliases, voided } from "./alias.js";
import type { Batch, HeldRow, Mark } from "./batch.js";
import { acknowledged, type Entry, type Result, withResult } from "./entry.js";
import type { Moved, RowOp } from "./frame.js";
import { type HeldRows, RowDraft } from "./held-rows.js";
import type { Outbox } from "./outbox.js";
import type { Replica } from "./replica.js";
import { keyOf, keyText, type Row, tableOf } from "./schema.js";

/** Which shapes a connection talks about: the index in hello, by `shapeId`, and which of them are live. */
export interface Connected {
  readonly epoch: string;
  readonly shapes: readonly string[];
  readonly live: ReadonlySet<string>;
}

/** P7. Null: the device has diverged. */
export function changesBatch(
  replica: Replica,
  on: Connected,
  frame: Moved & { readonly rows: readonly RowOp[]; readonly aliases: readonly Alias[] },
  now: number,
): Batch | null {
  const draft = new RowDraft(replica.confirmed);
  for (const operation of frame.rows) if (!applyRowOp(draft, on, operation)) return null;
  const rows = [...orphanWrites(replica), ...draft.writes()];
  return { ...movedBatch(replica, on, frame, now), rows, ...aliasBatch(replica, frame.aliases) };
}

/** P25, C19: what is news of it, and what is forgotten for it. */
export function aliasBatch(replica: Replica, told: readonly Alias[]): Pick<Batch, "aliases"> {
  const news = told.filter((alias) => !replica.aliases.knows(alias));
  if (news.length === 0) return {};
  const next = new Aliases([...replica.aliases.all(), ...news]);
  return { aliases: [...news, ...next.surplus().map(voided)] };
}

/** P8, P9: the cursor and acked. C5: what no shape holds any longer goes with it. */
export function movedBatch(replica: Replica, on: Connected, frame: Moved, now: number): Batch {
  const mark: Mark = { cursor: frame.cursor, pos: frame.pos, tag: frame.tag, epoch: on.epoch };
  return { mark, rows: orphanWrites(replica), ...ackedBatch(replica, frame.acked, now) };
}

/** P5: a chunk of a load, as staged rows. */
export function loadPuts(replica: Replica, shape: string, table: string, rows: readonly Row[]): readonly HeldRow[] {
  const schema = tableOf(replica.meta.schema, table);
  return rows.map((row) => {
    const key = keyOf(row, schema);
    const text = keyText(key);
    const held = replica.staging.row(table, text)?.in ?? [];
    return { table, key, keyText: text, row, in: union(held, [shape]) };
  });
}

/**
 * P5: the changes since the load began, over the staged rows.
 * A patch or remove of a row that is not staged says nothing: its chunk was read after that change.
 */
export function stageChanges(staging: HeldRows, on: Connected, rows: readonly RowOp[]): void {
  const loading: Connected = { ...on, live: new Set(on.shapes) };
  const draft = new RowDraft(staging);
  for (const operation of rows) applyRowOp(draft, loading, operation);
  for (const write of draft.writes()) staging.write(write);
}

/** P6: the staged rows of these shapes replace what these shapes held. */
export function loadEndBatch(
  replica: Replica,
  on: Connected,
  frame: Moved & { readonly shapes: readonly number[] },
  now: number,
): Batch {
  const ended = new Set(shapesAt(on, frame.shapes));
  const draft = new RowDraft(replica.confirmed);
  for (const held of replica.confirmed.all()) {
    if (held.in.some((id) => ended.has(id))) draft.put({ ...held, in: held.in.filter((id) => !ended.has(id)) });
  }
  const rest: HeldRow[] = [];
  for (const staged of replica.staging.all()) {
    const mine = staged.in.filter((id) => ended.has(id));
    const others = staged.in.filter((id) => !ended.has(id) && on.shapes.includes(id));
    if (mine.length > 0) {
      const held = replica.confirmed.row(staged.table, staged.keyText)?.in ?? [];
      draft.put({
        ...staged,
        in: union(
          held.filter((id) => !ended.has(id)),
          mine,
        ),
      });
    }
    if (others.length > 0) rest.push({ ...staged, in: others });
  }
  const isLoading = on.shapes.some((id) => !ended.has(id) && !on.live.has(id));
  const token = isLoading ? {} : { token: null };
  return {
    ...movedBatch(replica, on, frame, now),
    rows: [...orphanWrites(replica), ...draft.writes()],
    staging: { clear: true, puts: rest, ...token },
  };
}

/** P10: results drop nothing, but they are kept until acked says so. */
export function resultsBatch(replica: Replica, results: readonly Result[]): Batch {
  const entries = results.flatMap((result) => {
    const entry = replica.outbox.entry(result.n);
    return entry === undefined ? [] : [withResult(entry, result)];
  });
  return { entries };
}

/** P9, C4: only this drops an overlay. */
export function ackedBatch(replica: Replica, frameAcked: number, now: number): Batch {
  const acked = Math.max(frameAcked, replica.meta.acked);
  const entries = replica.outbox
    .saved()
    .filter((entry) => entry.n <= acked && entry.state.kind === "pending")
    .map((entry) => acknowledged(entry, now));
  return { acked, entries, gone: replica.outbox.expired(now) };
}

/** The highest acknowledged n up to which every result is known: what hello says, so that none is lost. */
export function ackedWithResult(outbox: Outbox, acked: number): number {
  const missing = (entry: Entry): boolean => entry.state.kind === "acked" && entry.state.result === null;
  const first = outbox.saved().find((entry) => entry.n > 0 && missing(entry));
  return first === undefined ? acked : Math.min(acked, first.n - 1);
}

export function shapesAt(on: Connected, indexes: readonly number[]): readonly string[] {
  return indexes.flatMap((index) => on.shapes[index] ?? []);
}

/** False: a patch came for a row that is not there. */
function applyRowOp(draft: RowDraft, on: Connected, operation: RowOp): boolean {
  const text = keyText(operation.key);
  const { table, key } = operation;
  const held = draft.row(table, text);
  // What is loading is not under the promise of the cursor and keeps what it held until its load_end.
  const others = held?.in.filter((id) => !on.live.has(id)) ?? [];
  switch (operation.kind) {
    case "put": {
      const shapes = union(others, shapesAt(on, operation.in));
      draft.put({ table, key, keyText: text, row: operation.row, in: shapes });
      return true;
    }
    case "patch": {
      if (held === undefined || !held.in.some((id) => on.live.has(id))) return false;
      const shapes = union(others, shapesAt(on, operation.in));
      draft.put({ ...held, row: { ...held.row, ...operation.set }, in: shapes });
      return true;
    }
    case "remove":
      if (held !== undefined) draft.put({ ...held, in: others });
      return true;
    default:
      return operation satisfies never;
  }
}

function orphanWrites(replica: Replica): NonNullable<Batch["rows"]> {
  return replica.orphans.map(({ table, keyText }) => ({ kind: "remove", table, keyText }));
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])];
}
