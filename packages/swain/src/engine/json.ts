import { SwainError } from "../error.js";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** V2: deeper nesting is refused as `too_deep`. */
export const DEPTH_MAX = 64;

/** V2: the one parser of everything that comes from outside. Throws a SwainError with the code of the rule. */
export function parseJson(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw new SwainError("malformed_json", "This is not JSON.");
  }
  const names = { count: 0 };
  value = checked(value, 0, names);
  // JSON.parse keeps the last of two members with one name, so a name that is missing was there twice.
  if (names.count !== namesIn(text)) throw new SwainError("duplicate_name", "An object has a name twice.");
  return value;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** V2: the rules for the inside of a string, also for strings that the application gives. */
export function checkText(text: string): void {
  if (text.includes("\u0000")) throw new SwainError("nul_in_text", "A text holds U+0000.");
  if (LONE_SURROGATE.test(text)) {
    throw new SwainError("lone_surrogate", "A text holds half of a surrogate pair.");
  }
}

/** V7: equal values, without making their canonical text. */
export function equalJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (isArray(a)) {
    return isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
  }
  if (!isObject(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && equalJson(a[name], b[name]));
}

/** With the u flag a pair is one character, so this finds halves only. */
const LONE_SURROGATE = /\p{Surrogate}/u;
/** In JSON a string ends at the first quote that is not escaped; one before a colon is a name. */
const STRINGS = /"(?:[^"\\]|\\.)*"([ \n\r\t]*:)?/g;

function namesIn(text: string): number {
  let count = 0;
  for (const [, colon] of text.matchAll(STRINGS)) if (colon !== undefined) count += 1;
  return count;
}

/** The rules that JSON.parse does not know. Parsed values are nobody else's yet, so they are repaired in place. */
function checked(value: Json, depth: number, names: { count: number }): Json {
  if (typeof value === "string") checkText(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new SwainError("number_out_of_range", "No double holds a number of it.");
    return value === 0 ? 0 : value;
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) throw new SwainError("too_deep", `The nesting is deeper than ${DEPTH_MAX}.`);
  const members = value as Record<string, Json>;
  for (const name of Object.keys(members)) {
    const member = members[name] ?? null;
    const next = checked(member, depth + 1, names);
    if (!Object.is(next, member)) members[name] = next;
    if (Array.isArray(value)) continue;
    checkText(name);
    names.count += 1;
  }
  return value;
}
