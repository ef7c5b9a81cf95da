import type { Json, JsonObject } from "../engine/json.js";

/** Somebody else in a room: another person, another device or another tab. */
export interface Other {
  /** A number of this room: the same as long as it stays. */
  readonly id: number;
  /** Null for a visitor. */
  readonly user: string | null;
  /** What the server knows; null when it knows no name. */
  readonly name: string | null;
  /** The key of the row that it is on, if this person may read that row. */
  readonly row: readonly Json[] | null;
  /** What it said of itself. */
  readonly state: JsonObject;
}

/** P28: who is in a room, as the frames of the server tell it. */
export class People {
  readonly #here = new Map<number, Other>();
  /** Why this tab is not in the room. */
  problem: string | null = null;

  /** In the order in which they came. */
  get others(): readonly Other[] {
    return [...this.#here.values()];
  }

  hear({ problem, all, here, left }: JsonObject): void {
    this.problem = problem === undefined ? null : String((problem as JsonObject).code);
    if (all === true || problem !== undefined) this.forget();
    for (const id of (left ?? []) as readonly number[]) this.#here.delete(id);
    for (const other of (here ?? []) as unknown as readonly Partial<Other>[]) {
      const { id = 0, user = null, name = null, row = null, state = {} } = other;
      this.#here.set(id, { id, user, name, row, state });
    }
  }

  /** Without a stream nobody knows who is there. */
  forget(): void {
    this.#here.clear();
  }
}
