import { type Json } from "./json.js";
/** V3: RFC 8785. The value must have passed `parseJson` or `toJson`. */
export declare function canonical(value: Json): string;
/** Takes a value of the application as JSON under the rules of V2; throws with the place in `detail`. */
export declare function toJson(value: unknown, place: string, depth?: number): Json;
