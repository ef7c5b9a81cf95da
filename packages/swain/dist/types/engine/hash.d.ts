import type { Json } from "./json.js";
/** V4: FNV-1a, 64 bits, over the UTF-8 bytes, as 16 lower-case hex digits. */
export declare function hash(text: string): string;
export declare function hashJson(value: Json): string;
export declare function byteLength(text: string): number;
