import type { Json } from "./engine/json.js";
/** Every error of this package. `code` is stable and decides what to do; `message` is for people. */
export declare class SwainError extends Error {
    readonly code: string;
    readonly detail: Json;
    constructor(code: string, message: string, detail?: Json, cause?: unknown);
}
