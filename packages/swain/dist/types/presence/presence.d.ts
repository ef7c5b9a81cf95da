import type { Client } from "../client/client.js";
import { type Watchable } from "../client/signal.js";
import type { KeyInput } from "../client/table.js";
import type { Json } from "../engine/json.js";
import { type Other } from "./people.js";
export type { Other };
/** One value of a scope column; none: the whole table, when its rows belong to nobody in particular. */
export type Scope = Readonly<Record<string, Json>>;
/** P28: a room, as long as this tab is in it. `others` in the order in which they came. */
export interface Room {
    readonly others: Watchable<readonly Other[]>;
    /** Why this tab is not in the room, like `not_allowed`; null: nothing is known against it. */
    readonly problem: Watchable<string | null>;
    /** Where this tab is and whatever else the others shall know: at most 2 kB, the latest counts. */
    set(state: {
        readonly row?: KeyInput | null;
    } & Readonly<Record<string, unknown>>): void;
    /** Once for each `joinRoom`. */
    leave(): void;
}
/**
 * Enters a room of a table that the client holds, and says so until `leave()`. Whoever joins the same room twice in one
 * tab is there once. Nothing of it is stored, and nothing of it is there without a connection.
 */
export declare function joinRoom(client: Client, table: string, scope?: Scope): Room;
