import { type Batch, type Stored } from "../engine/batch.js";
import { type Entry } from "../engine/entry.js";
import { type Leadership, type Store } from "./store.js";
/** One IndexedDB database. Inside a transaction only its own requests are awaited: anything else would commit it. */
export declare class IdbStore implements Store {
    #private;
    readonly isPersistent = true;
    /** `blocked`: a page of an older version has it open and does not let go, so that opening waits. */
    constructor(name: string, newDevice: () => string, blocked?: () => void);
    read(kept?: Stored): Promise<Stored>;
    reserve(): Promise<number>;
    readOutbox(): Promise<Pick<Stored, "meta" | "outbox">>;
    append(entry: Entry): Promise<Entry>;
    remove(n: number): Promise<void>;
    lead(): Promise<Leadership>;
    write(generation: number, batch: Batch): Promise<number>;
    rewrite(generation: number, device: string, lostAbove: number): Promise<void>;
    close(): void;
}
