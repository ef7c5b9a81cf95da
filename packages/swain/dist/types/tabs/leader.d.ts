import type { Batch, Change } from "../engine/batch.js";
import type { JsonObject } from "../engine/json.js";
import type { Pace } from "../engine/pace.js";
import type { Replica } from "../engine/replica.js";
import { type Reconnect } from "../engine/session.js";
import type { Input } from "../engine/session-io.js";
import type { Shape } from "../engine/shape.js";
import type { Environment } from "../environment.js";
import { type Store } from "../store/store.js";
import { type Transport } from "../transport/transport.js";
import type { LinkStatus } from "./message.js";
export interface LeaderParts {
    readonly environment: Environment;
    readonly store: Store;
    readonly generation: number;
    readonly replica: Replica;
    readonly shapes: readonly Shape[];
    readonly reconnect: Reconnect;
    readonly pace: Pace;
    readonly transport: Transport;
    /** A SwainError with code `offline` when the server is not reached; any other code: signed out. */
    token(fresh: boolean): Promise<string | null>;
    debug(line: string): void;
}
export interface LeaderEvents {
    changed(change: Change, batch: Batch, moved: boolean): void;
    persisted(number: number, batch: Batch): void;
    status(): void;
    /** To the other tabs; after the writes that it is about, so that none of them is told what it does not see yet. */
    announce(status: LinkStatus): void;
    synced(id: string, error: string | null): void;
    /** P28. */
    heard(body: JsonObject): void;
    /** Read all of storage into the replica; only while there is no connection. */
    reread(): Promise<void>;
    /** Read what other tabs saved. */
    rereadOutbox(): Promise<void>;
    /** The device id is another one: the other tabs must read, too. */
    rewritten(): void;
    /** This tab may or can not lead any longer. */
    lost(error: unknown): void;
}
/** Carries out what the session asks for: sockets, timers, writes in order. Decides nothing. */
export declare class Leader {
    #private;
    constructor(parts: LeaderParts, events: LeaderEvents);
    get generation(): number;
    get status(): LinkStatus;
    handle(input: Input): void;
    announce(): void;
    /** Closes the connection; resolves when what was under way is written. */
    end(): Promise<void>;
}
export declare function problemOf(error: unknown): {
    readonly code: string;
    readonly title: string;
};
