import type { Change } from "../engine/batch.js";
import type { Entry } from "../engine/entry.js";
import type { Indexes } from "../engine/index-rows.js";
import type { JsonObject } from "../engine/json.js";
import type { Operation } from "../engine/operation.js";
import type { Pace } from "../engine/pace.js";
import { Replica } from "../engine/replica.js";
import type { Reconnect } from "../engine/session.js";
import { type Shape } from "../engine/shape.js";
import { TemporaryIds } from "../engine/temporary.js";
import type { Environment } from "../environment.js";
import { type Store } from "../store/store.js";
import type { Transport } from "../transport/transport.js";
import { type LinkStatus } from "./message.js";
export interface TabParts {
    readonly environment: Environment;
    /** One per (server, user). */
    readonly name: string;
    readonly store: Store;
    /** Alone: no other tab can have this store. */
    readonly sharing: "shared" | "alone";
    readonly shapes: readonly Shape[];
    readonly indexes: Indexes;
    readonly reconnect: Reconnect;
    readonly pace: Pace;
    readonly transport: Transport;
    token(fresh: boolean): Promise<string | null>;
    debug(line: string): void;
}
export interface TabEvents {
    /** C13 for a step that changed rows or applied a position (`moved`). `entries`: outbox entries that it changed. */
    changed(change: Change, entries: readonly Entry[], moved: boolean): void;
    status(): void;
    /** P28. */
    heard(body: JsonObject): void;
}
/** One tab's part in a store: its memory copy, its own mutations, and, when it leads, the connection (C14). */
export declare class Tab {
    #private;
    readonly replica: Replica;
    readonly temporaryIds: TemporaryIds;
    /** Resolves when the rows that storage has are in memory. */
    static open(parts: TabParts, events: TabEvents): Promise<Tab>;
    private constructor();
    get isLeader(): boolean;
    get isPersistent(): boolean;
    get status(): LinkStatus;
    /** C2: visible when this returns; the promise is for the strict write. */
    mutate(uid: string, ops: readonly Operation[]): Promise<Entry>;
    discard(n: number): Promise<void>;
    sync(): Promise<void>;
    /** Of the whole store, whichever tab leads. */
    switch(to: "pause" | "resume" | "wake" | "hidden"): void;
    /** P28: by the connection of the store, whichever tab has it. */
    say(body: JsonObject): void;
    /** C25: of the whole store; edits go on meanwhile. Resolves when what leaves has left the screen. */
    setShapes(shapes: readonly Shape[]): Promise<void>;
    /** Resolves when what was under way is in storage. */
    close(): Promise<void>;
}
