import type { Entry } from "../engine/entry.js";
import type { Environment } from "../environment.js";
import type { Store } from "../store/store.js";
/**
 * C28: edits whose strict write was running when the page went. A browser that freezes the page lets no transaction
 * end, but localStorage takes a text at once; the next page of the store makes mutations of it, by their uids.
 */
export declare class LastMoment {
    #private;
    constructor(storage: Environment["localStorage"], store: string);
    keep(entries: readonly Entry[]): void;
    /** They are in the store after all. */
    forget(entries: readonly Entry[]): void;
    /** Returns whether the store has more than before. */
    adopt(store: Store): Promise<boolean>;
}
