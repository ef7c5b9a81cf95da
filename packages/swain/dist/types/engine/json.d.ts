export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
    readonly [name: string]: Json;
}
/** V2: deeper nesting is refused as `too_deep`. */
export declare const DEPTH_MAX = 64;
/** V2: the one parser of everything that comes from outside. Throws a SwainError with the code of the rule. */
export declare function parseJson(text: string): Json;
export declare function isObject(value: Json | undefined): value is JsonObject;
export declare function isArray(value: Json | undefined): value is readonly Json[];
/** V2: the rules for the inside of a string, also for strings that the application gives. */
export declare function checkText(text: string): void;
/** V7: equal values, without making their canonical text. */
export declare function equalJson(a: Json | undefined, b: Json | undefined): boolean;
