import { SwainError } from "../error.js";

/** C19: temporary ids of one block. Each tab takes a block of its own from storage, so that no two tabs draw the same. */
export const BLOCK_IDS = 2 ** 20;

export class TemporaryIds {
  #next: number;
  readonly #end: number;

  /** `block` counts from 1, and is never given out again. */
  constructor(block: number) {
    this.#next = block * BLOCK_IDS;
    this.#end = this.#next + BLOCK_IDS;
  }

  draw(): number {
    if (this.#next >= this.#end) {
      throw new SwainError("limit_temporary_ids", `A tab gives at most ${BLOCK_IDS} temporary ids; open another.`);
    }
    this.#next += 1;
    return -(this.#next - 1);
  }
}
