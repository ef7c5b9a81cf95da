import { SwainError } from "../error.js";

/** C19: temporary ids of one block. Each tab takes a block of its own from storage, so that no two tabs draw the same. */
export const BLOCK_IDS = 2 ** 20;

export class TemporaryIds {
  #next: number;
  readonly #end: number;

  /** `block` is never given out again. */
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

/**
 * Where a device begins to count its blocks. Two people of one browser have two stores and two devices, and one database
 * of the application may hold rows of both (a Dexie database does): what they draw must not meet. FNV-1a, 32 bits.
 */
export function blocksBefore(device: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < device.length; i += 1) hash = Math.imul(hash ^ device.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
