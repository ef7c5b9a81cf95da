import { type Batch, type Stored } from "../engine/batch.js";
import { type Entry } from "../engine/entry.js";
import { type Leadership, type Store } from "./store.js";
/** A store that is gone with the page: private windows, insecure contexts, tests. */
export declare class MemoryStore implements Store {
    #private;
    readonly isPersistent = false;
    constructor(device: string);
    read(): Promise<Stored>;
    reserve(): Promise<number>;
    readOutbox(): Promise<Pick<Stored, "meta" | "outbox">>;
    append(entry: Entry): Promise<Entry>;
    remove(n: number): Promise<void>;
    lead(): Promise<Leadership>;
    write(generation: number, batch: Batch): Promise<number>;
    rewrite(generation: number, device: string, lostAbove: number): Promise<void>;
    close(): void;
}
