/** C19: temporary ids of one block. Each tab takes a block of its own from storage, so that no two tabs draw the same. */
export declare const BLOCK_IDS: number;
export declare class TemporaryIds {
    #private;
    /** `block` is never given out again. */
    constructor(block: number);
    draw(): number;
}
/**
 * Where a device begins to count its blocks. Two people of one browser have two stores and two devices, and one database
 * of the application may hold rows of both (a Dexie database does): what they draw must not meet. FNV-1a, 32 bits.
 */
export declare function blocksBefore(device: string): number;
