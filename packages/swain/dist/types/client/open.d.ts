import type { Indexes } from "../engine/index-rows.js";
import type { Pace } from "../engine/pace.js";
import type { Reconnect } from "../engine/session.js";
import type { Shape } from "../engine/shape.js";
import type { Environment } from "../environment.js";
import { Tab, type TabEvents } from "../tabs/tab.js";
import type { Transport } from "../transport/transport.js";
export interface OpenOptions {
    readonly environment: Environment;
    readonly origin: string;
    /** Null: signed out. */
    readonly userId: string | null;
    readonly memory: boolean;
    readonly shapes: readonly Shape[];
    readonly indexes: Indexes;
    readonly reconnect: Reconnect;
    readonly pace: Pace;
    readonly transport: Transport;
    /** Opening waits for a page of an older version. */
    blocked(): void;
    token(fresh: boolean): Promise<string | null>;
    debug(line: string): void;
}
/** C11: the store of one (server, user). Without IndexedDB, or without locks to share it safely, it is in memory. */
export declare function openTab(options: OpenOptions, events: TabEvents): Promise<Tab>;
