/** C8: full jitter never waits longer than this. */
export const BACKOFF_MAX_MS = 30_000;
/** C8: a stream that lived this long sets the counter back. */
export const HEALTHY_MS = 30_000;
export const FIRST_DELAY_MS = 1_000;

/** C8: random(0..min(30 s, first · 2^attempt)); `random` is in [0, 1). */
export function backoffMs(attempt: number, firstMs: number, random: number): number {
  return random * Math.min(BACKOFF_MAX_MS, firstMs * 2 ** Math.min(attempt, 30));
}
