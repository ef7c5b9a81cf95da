import type { Alias } from "./alias.js";
import type { Result } from "./entry.js";
import { type Json, type JsonObject } from "./json.js";
import type { Key, Row, Schema } from "./schema.js";
/** P4 to P12: what the server sends. An unknown kind is `ignored`. */
export type Frame = Welcome | {
    readonly kind: "load";
    readonly shape: number;
    readonly rows: readonly Row[];
    readonly total: number | null;
    readonly token: string | null;
} | {
    readonly kind: "load_changes";
    readonly rows: readonly RowOp[];
} | ({
    readonly kind: "load_end";
    readonly shapes: readonly number[];
} & Moved) | ({
    readonly kind: "changes";
    readonly rows: readonly RowOp[];
    readonly aliases: readonly Alias[];
} & Moved) | ({
    readonly kind: "caught_up";
} & Moved) | ({
    readonly kind: "heartbeat";
    readonly expires: number | null;
} & Moved) | {
    readonly kind: "results";
    readonly results: readonly Result[];
    readonly problem: Problem | null;
} | {
    readonly kind: "goaway";
    readonly retry: number;
} | {
    readonly kind: "problem";
    readonly problem: Problem;
} | {
    readonly kind: "presence";
    readonly body: JsonObject;
} | {
    readonly kind: "ignored";
};
export interface Welcome {
    readonly kind: "welcome";
    readonly epoch: string;
    readonly now: number;
    readonly heartbeat: number;
    readonly expires: number | null;
    readonly shapes: readonly string[];
    readonly last: number;
    readonly results: readonly Result[];
    readonly aliases: readonly Alias[];
    /** Null: the one that the device has is current. */
    readonly schema: Schema | null;
    readonly load: string | null;
    readonly limits: Limits;
}
export interface Limits {
    readonly pushMutations: number;
    readonly pushBytes: number;
}
/** P9: what every frame that moves the cursor carries. */
export interface Moved {
    readonly cursor: string;
    readonly pos: number;
    readonly tag: Json;
    readonly acked: number;
}
/** P7. */
export type RowOp = {
    readonly kind: "put";
    readonly table: string;
    readonly key: Key;
    readonly in: readonly number[];
    readonly row: Row;
} | {
    readonly kind: "patch";
    readonly table: string;
    readonly key: Key;
    readonly in: readonly number[];
    readonly set: Row;
} | {
    readonly kind: "remove";
    readonly table: string;
    readonly key: Key;
};
/** P12. */
export interface Problem {
    readonly code: string;
    readonly title: string;
}
/** P19: a frame and its number on the connection; what came by another way than the stream has none. */
export interface Numbered {
    readonly number: number | null;
    readonly frame: Frame;
}
/** Throws a SwainError for what is no message of the protocol: the connection cannot be trusted further. */
export declare function parseFrame(text: string): Numbered;
