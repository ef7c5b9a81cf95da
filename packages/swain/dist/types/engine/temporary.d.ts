/** C19: temporary ids of one block. Each tab takes a block of its own from storage, so that no two tabs draw the same. */
export declare const BLOCK_IDS: number;
export declare class TemporaryIds {
    #private;
    /** `block` counts from 1, and is never given out again. */
    constructor(block: number);
    draw(): number;
}
