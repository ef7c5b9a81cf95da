import type { HeldRow, RowWrite } from "./batch.js";

/** Rows by table and key text, each with the shapes that hold it: the confirmed rows (C5) or staging (C6). */
export class HeldRows {
  readonly #tables = new Map<string, Map<string, HeldRow>>();

  constructor(rows: readonly HeldRow[] = []) {
    for (const held of rows) this.put(held);
  }

  row(table: string, keyText: string): HeldRow | undefined {
    return this.#tables.get(table)?.get(keyText);
  }

  *all(): IterableIterator<HeldRow> {
    for (const rows of this.#tables.values()) yield* rows.values();
  }

  get size(): number {
    let size = 0;
    for (const rows of this.#tables.values()) size += rows.size;
    return size;
  }

  put(held: HeldRow): void {
    const rows = this.#tables.get(held.table);
    if (rows === undefined) this.#tables.set(held.table, new Map([[held.keyText, held]]));
    else rows.set(held.keyText, held);
  }

  remove(table: string, keyText: string): void {
    this.#tables.get(table)?.delete(keyText);
  }

  write(write: RowWrite): void {
    switch (write.kind) {
      case "put":
        return this.put(write.held);
      case "remove":
        return this.remove(write.table, write.keyText);
      default:
        return write satisfies never;
    }
  }

  clear(): void {
    this.#tables.clear();
  }
}

/** Held rows with writes on top that nobody else sees yet: how a frame is worked out before it is applied. */
export class RowDraft {
  readonly #base: HeldRows;
  readonly #writes = new Map<string, RowWrite>();

  constructor(base: HeldRows) {
    this.#base = base;
  }

  row(table: string, keyText: string): HeldRow | undefined {
    const write = this.#writes.get(name(table, keyText));
    if (write === undefined) return this.#base.row(table, keyText);
    return write.kind === "put" ? write.held : undefined;
  }

  /** C5: a row that no shape holds is gone. */
  put(held: HeldRow): void {
    if (held.in.length === 0) return this.remove(held.table, held.keyText);
    this.#writes.set(name(held.table, held.keyText), { kind: "put", held });
  }

  remove(table: string, keyText: string): void {
    this.#writes.set(name(table, keyText), { kind: "remove", table, keyText });
  }

  writes(): readonly RowWrite[] {
    return [...this.#writes.values()];
  }
}

/** A key text holds no raw U+0000. */
function name(table: string, keyText: string): string {
  return `${table}\u0000${keyText}`;
}
