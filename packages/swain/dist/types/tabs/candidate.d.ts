import type { Locks } from "../environment.js";
/** C14: stands for the one leadership of a store, which is a Web Lock, so that it ends with the tab. */
export declare class Candidate {
    #private;
    /** `lost` is called when another tab stole the lock. */
    constructor(locks: Locks, store: string, lead: () => void, lost: () => void);
    /** Whether this tab stands or leads; false: it resigned, or the lock was stolen. */
    get stands(): boolean;
    /** Waits for the lock, or takes it from a leader that does not answer. */
    stand(how: "wait" | "steal"): void;
    resign(): void;
}
