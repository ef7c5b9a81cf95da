/** C8: full jitter never waits longer than this. */
export declare const BACKOFF_MAX_MS = 30000;
/** C8: a stream that lived this long sets the counter back. */
export declare const HEALTHY_MS = 30000;
export declare const FIRST_DELAY_MS = 1000;
/** C8: random(0..min(30 s, first · 2^attempt)); `random` is in [0, 1). */
export declare function backoffMs(attempt: number, firstMs: number, random: number): number;
