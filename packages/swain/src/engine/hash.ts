import { canonical } from "./canonical.js";
import type { Json } from "./json.js";

const utf8 = new TextEncoder();

/** V4: FNV-1a, 64 bits, over the UTF-8 bytes, as 16 lower-case hex digits. */
export function hash(text: string): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of utf8.encode(text)) {
    low = (low ^ byte) >>> 0;
    // The prime is 2^40 + 0x1b3; each product stays below 2^53.
    const product = low * 0x1b3;
    high = (high * 0x1b3 + Math.floor(product / 0x1_0000_0000) + low * 0x100) >>> 0;
    low = product >>> 0;
  }
  return hex(high) + hex(low);
}

export function hashJson(value: Json): string {
  return hash(canonical(value));
}

export function byteLength(text: string): number {
  return utf8.encode(text).length;
}

function hex(half: number): string {
  return half.toString(16).padStart(8, "0");
}
