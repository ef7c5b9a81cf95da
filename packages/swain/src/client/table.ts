import type { Changes, Draft } from "../engine/draft.js";
import { toKey } from "../engine/draft.js";
import { isObject, type Json } from "../engine/json.js";
import type { Replica } from "../engine/replica.js";
import { type Key, keyText, type Row, tableOf } from "../engine/schema.js";
import type { Mutation } from "./settlements.js";

/** A key: the value of the key column, or the values in key order. */
export type KeyInput = string | number | bigint | boolean | readonly unknown[];

/** What a table needs from its client. */
export interface Editing {
  replica(): Replica;
  edit(change: (draft: Draft) => void): Mutation;
  /** The draft of the group that is running. */
  readonly draft: Draft | null;
}

/** Reading and changing one table. Every change is visible when the call returns. */
export class Table<T extends object = Row> {
  readonly #name: string;
  readonly #editing: Editing;

  constructor(name: string, editing: Editing) {
    this.#name = name;
    this.#editing = editing;
  }

  /**
   * A missing key column of type text gets a UUIDv7. In a table whose ids the server gives, a missing key becomes a
   * temporary, negative one, which goes on naming the row when the real one is known.
   * Throws `id_taken`, `unknown_column`, `wrong_type`, …
   */
  insert(row: Partial<T>): Inserted {
    return this.#inserted((draft) => draft.insert(this.#name, { ...row }));
  }

  /**
   * By a unique key of the table: changes the row that has these values in the columns `on`, here or on the server, or
   * makes a new one. Throws `not_unique`, `unknown_column`, `wrong_type`, …
   */
  upsert(on: readonly (keyof T & string)[], row: Partial<T>): Inserted {
    return this.#inserted((draft) => draft.upsert(this.#name, on, { ...row }));
  }

  /** The key by which a row is known now: of a temporary key, the real one as soon as there is one. */
  resolve(key: KeyInput): KeyValue {
    const replica = this.#editing.replica();
    const table = tableOf(replica.meta.schema, this.#name);
    return keyValue(replica.resolve(this.#name, toKey(table, this.#name, key)));
  }

  /**
   * Sets columns, or `{ set, inc, add, remove }` by column. Throws `row_gone` when the row is not here.
   * A table that has columns of just these names takes `{ set: … }` only.
   */
  update(key: KeyInput, changes: Partial<T> | Changes): Mutation {
    return this.#editing.edit((draft) => {
      const table = tableOf(this.#editing.replica().meta.schema, this.#name);
      draft.update(this.#name, toKey(table, this.#name, key), toChanges(changes));
    });
  }

  delete(key: KeyInput): Mutation {
    return this.#editing.edit((draft) => {
      const table = tableOf(this.#editing.replica().meta.schema, this.#name);
      draft.delete(this.#name, toKey(table, this.#name, key));
    });
  }

  /** The visible row; inside a group as the operations before left it. */
  get(key: KeyInput): T | undefined {
    const replica = this.#editing.replica();
    if (replica.meta.schema?.tables[this.#name] === undefined) return undefined;
    const wire = toKey(tableOf(replica.meta.schema, this.#name), this.#name, key);
    const { draft } = this.#editing;
    const known = replica.resolve(this.#name, wire);
    const row = draft === null ? replica.row(this.#name, keyText(known)) : (draft.row(this.#name, known) ?? undefined);
    return row as T | undefined;
  }

  #inserted(change: (draft: Draft) => Key): Inserted {
    let key: Key = [];
    const mutation = this.#editing.edit((draft) => {
      key = change(draft);
    });
    return {
      key: keyValue(key),
      get n() {
        return mutation.n;
      },
      get saved() {
        return mutation.saved;
      },
      get synced() {
        return mutation.synced;
      },
    };
  }
}

/** A key as the application gives it: the value of the key column, or the values in key order. */
export type KeyValue = string | number | boolean | readonly Json[];

/** A mutation that made a row. */
export interface Inserted extends Mutation {
  /** At once, also inside a group. A temporary one goes on naming the row. */
  readonly key: KeyValue;
}

function keyValue(key: Key): KeyValue {
  const [only, ...others] = key;
  const isPlain = typeof only === "string" || typeof only === "number" || typeof only === "boolean";
  return others.length === 0 && isPlain ? only : key;
}

const CHANGE_NAMES = new Set(["set", "inc", "add", "remove"]);

function toChanges(given: object): Changes {
  const members = Object.entries(given);
  const isChanges =
    members.length > 0 && members.every(([name, value]) => CHANGE_NAMES.has(name) && isObject(value as Json));
  if (isChanges) return given;
  return { set: Object.fromEntries(members.filter(([, value]) => value !== undefined)) };
}
