import { isArray, isObject, type Json } from "../engine/json.js";
import type { Operation } from "../engine/operation.js";
import type { Row } from "../engine/schema.js";
import { SwainError } from "../error.js";
import type { Mutation } from "./settlements.js";
import { callAll, type Watchable } from "./signal.js";
import { type Constraint, constraintOf, type DeadLetter } from "./status.js";

/** M15: where the inbox is, for a device that holds it. */
export const INBOX_TABLE = "swain_inbox";

export type InboxItem = Conflict | Refusal;

/** M15: a column that two people changed, each without knowing of the other. */
export interface Conflict {
  readonly kind: "conflict";
  readonly id: string;
  readonly table: string;
  readonly key: readonly Json[];
  readonly column: string;
  /** The value that both began with; null also when it is not known. */
  readonly base: Json;
  /** The value that waits, whose it is and when it was written (ms since 1970). */
  readonly mine: Json;
  readonly mineBy: string | null;
  readonly mineAt: number | null;
  /** The value that the row had; `theirsName` is what a program called itself. */
  readonly theirs: Json;
  readonly theirsBy: string | null;
  readonly theirsName: string | null;
  readonly theirsAt: number | null;
  /** A proposal; null when there is no sensible one. */
  readonly merged: Json;
  /** The strategy of the column. */
  readonly rule: string;
}

/** M16: what was refused, and what was refused because of it. */
export interface Refusal {
  readonly kind: "refusal";
  readonly id: string;
  /** In the order in which they were made. */
  readonly edits: readonly RefusedEdit[];
}

export interface RefusedEdit {
  /** Of the row of the inbox; null: only this device knows of it. */
  readonly id: string | null;
  readonly device: string;
  readonly n: number;
  readonly ops: readonly Operation[];
  readonly code: string;
  readonly message: string;
  readonly constraint: Constraint | null;
  readonly at: number;
}

/** What a person makes of a conflict: one of the values, or another one. */
export type Decision = "mine" | "theirs" | "merged" | { readonly value: unknown };

/** What the inbox needs from its client. */
export interface InboxSource {
  readonly rows: Watchable<readonly Row[]>;
  readonly refused: Watchable<readonly DeadLetter[]>;
  readonly device: string;
  group(change: () => void): Mutation;
  set(table: string, key: readonly Json[], values: Readonly<Record<string, unknown>>): void;
  again(ops: readonly Operation[]): void;
  discard(n: number): Promise<void>;
}

/** What waits for this person: on every device, when the client was made with `inbox: true`; else what this one knows. */
export class Inbox implements Watchable<readonly InboxItem[]> {
  readonly #source: InboxSource;
  readonly #calls = new Set<() => void>();
  readonly #stops: (() => void)[] = [];
  #seen: readonly unknown[] = [];
  #items: readonly InboxItem[] = [];

  constructor(source: InboxSource) {
    this.#source = source;
  }

  readonly subscribe = (call: () => void): (() => void) => {
    if (this.#calls.size === 0) {
      const { rows, refused } = this.#source;
      for (const watched of [rows, refused]) this.#stops.push(watched.subscribe(() => this.#handleChange()));
    }
    this.#calls.add(call);
    return () => {
      this.#calls.delete(call);
      if (this.#calls.size === 0) for (const stop of this.#stops.splice(0)) stop();
    };
  };

  /** The oldest first. */
  readonly getSnapshot = (): readonly InboxItem[] => {
    const { rows, refused } = this.#source;
    const seen = [rows.getSnapshot(), refused.getSnapshot()];
    if (seen.some((value, i) => value !== this.#seen[i])) {
      this.#seen = seen;
      this.#items = itemsOf(rows.getSnapshot(), refused.getSnapshot(), this.#source.device);
    }
    return this.#items;
  };

  /** Everybody sees at once what this person chose. `synced` rejects with `already_resolved` when another was first. */
  resolve(id: string, decision: Decision): Mutation {
    const item = this.#item(id);
    if (item.kind !== "conflict") throw new SwainError("not_a_conflict", `${id} is no conflict.`);
    const choice = typeof decision === "string" ? decision : "edited";
    return this.#decided([], () => {
      if (choice !== "theirs") {
        const value = typeof decision === "string" ? item[choice as "mine" | "merged"] : decision.value;
        this.#source.set(item.table, item.key, { [item.column]: value });
      }
      this.#source.set(INBOX_TABLE, [id], { choice });
    });
  }

  /** The same wishes again, as one mutation, based on what is visible now; `edit` may change the operations. */
  retry(id: string, edit: (ops: readonly Operation[]) => readonly Operation[] = (ops) => ops): Mutation {
    const edits = this.#refusal(id).edits;
    return this.#decided(edits, () => {
      this.#source.again(edit(edits.flatMap(({ ops }) => ops)));
      this.#mark(edits, "retried");
    });
  }

  /** Gives what was refused up. Resolves when this device has it so. */
  async discard(id: string): Promise<void> {
    const { edits } = this.#refusal(id);
    if (edits.every((edit) => edit.id === null)) await this.#discardHere(edits);
    else await this.#decided(edits, () => this.#mark(edits, "discarded")).saved;
  }

  #item(id: string): InboxItem {
    const item = this.getSnapshot().find((one) => one.id === id);
    if (item === undefined) throw new SwainError("row_gone", `There is nothing open in the inbox with the id ${id}.`);
    return item;
  }

  #refusal(id: string): Refusal {
    const item = this.#item(id);
    if (item.kind !== "refusal") throw new SwainError("not_refused", `${id} is no refusal.`);
    return item;
  }

  #mark(edits: readonly RefusedEdit[], choice: string): void {
    for (const { id } of edits) if (id !== null) this.#source.set(INBOX_TABLE, [id], { choice });
  }

  #decided(edits: readonly RefusedEdit[], change: () => void): Mutation {
    const mutation = this.#source.group(change);
    mutation.saved.then(() => this.#discardHere(edits.filter(({ id }) => id === null))).catch(() => undefined);
    return mutation;
  }

  async #discardHere(edits: readonly RefusedEdit[]): Promise<void> {
    for (const { n } of edits) await this.#source.discard(n);
  }

  #handleChange(): void {
    for (const n of settledHere(this.#source)) this.#source.discard(n).catch(() => undefined);
    callAll(this.#calls);
  }
}

/** Dead letters of this device that are done with: decided somewhere, or only a decision that came too late. */
function settledHere({ rows, refused, device }: InboxSource): readonly number[] {
  const decided = rows.getSnapshot().filter((row) => row.device === device && row.state !== "open");
  const isDone = ({ n, ops }: DeadLetter): boolean => isDecision(ops) || decided.some((row) => row.n === n);
  return refused
    .getSnapshot()
    .filter(isDone)
    .map(({ n }) => n);
}

function isDecision(ops: readonly Operation[]): boolean {
  return ops.some((operation) => "update" in operation && operation.update.table === INBOX_TABLE);
}

function itemsOf(rows: readonly Row[], letters: readonly DeadLetter[], device: string): readonly InboxItem[] {
  const known = new Set(rows.filter((row) => row.device === device).map(({ n }) => n));
  const items: InboxItem[] = [];
  const groups = new Map<string, RefusedEdit[]>();
  const open = rows.filter(({ state, choice }) => state === "open" && choice === null);
  for (const row of [...open].sort((a, b) => Number(a.opened_at) - Number(b.opened_at))) {
    if (row.kind === "conflict") items.push(conflictOf(row));
    if (row.kind === "refusal") join(items, groups, String(row.item), refusedOf(row));
  }
  for (const letter of letters) {
    if (known.has(letter.n) || isDecision(letter.ops)) continue;
    const message = isObject(letter.detail) ? textOf(letter.detail.message) : null;
    join(items, groups, `${device}/${letter.n}`, { ...letter, id: null, device, message: message ?? letter.code });
  }
  return items;
}

function join(items: InboxItem[], groups: Map<string, RefusedEdit[]>, id: string, edit: RefusedEdit): void {
  const edits = groups.get(id);
  if (edits !== undefined) {
    edits.push(edit);
    edits.sort((a, b) => a.n - b.n);
    return;
  }
  const first = [edit];
  groups.set(id, first);
  items.push({ kind: "refusal", id, edits: first });
}

function conflictOf(row: Row): Conflict {
  return {
    kind: "conflict",
    id: String(row.id),
    table: String(row.row_table),
    key: listOf(row.row_key),
    column: String(row.row_column),
    base: row.base ?? null,
    mine: row.mine ?? null,
    mineBy: textOf(row.mine_by),
    mineAt: numberOf(row.mine_at),
    theirs: row.theirs ?? null,
    theirsBy: textOf(row.theirs_by),
    theirsName: textOf(row.theirs_name),
    theirsAt: numberOf(row.theirs_at),
    merged: row.merged ?? null,
    rule: String(row.rule),
  };
}

function refusedOf(row: Row): RefusedEdit {
  const problem = row.problem ?? null;
  const { code, message } = isObject(problem) ? problem : { code: null, message: null };
  return {
    id: String(row.id),
    device: String(row.device),
    n: Number(row.n),
    ops: listOf(row.ops) as unknown as readonly Operation[],
    code: textOf(code) ?? "refused",
    message: textOf(message) ?? "",
    constraint: constraintOf(problem),
    at: Number(row.opened_at),
  };
}

function textOf(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function numberOf(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}

function listOf(value: Json | undefined): readonly Json[] {
  return value !== undefined && isArray(value) ? value : [];
}
