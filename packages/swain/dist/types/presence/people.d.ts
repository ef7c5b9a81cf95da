import type { Json, JsonObject } from "../engine/json.js";
/** Somebody else in a room: another person, another device or another tab. */
export interface Other {
    /** A number of this room: the same as long as it stays. */
    readonly id: number;
    /** Null for a visitor. */
    readonly user: string | null;
    /** What the server knows; null when it knows no name. */
    readonly name: string | null;
    /** The key of the row that it is on, if this person may read that row. */
    readonly row: readonly Json[] | null;
    /** What it said of itself. */
    readonly state: JsonObject;
}
/** P28: who is in a room, as the frames of the server tell it. */
export declare class People {
    #private;
    /** Why this tab is not in the room. */
    problem: string | null;
    /** In the order in which they came. */
    get others(): readonly Other[];
    hear({ problem, all, here, left }: JsonObject): void;
    /** Without a stream nobody knows who is there. */
    forget(): void;
}
