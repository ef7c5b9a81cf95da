import { SwainError } from "../error.js";
import { checkText, DEPTH_MAX, isArray, type Json, type JsonObject } from "./json.js";

/** V3: RFC 8785. The value must have passed `parseJson` or `toJson`. */
export function canonical(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonical).join(",")}]`;
  // Without a comparator, sort compares UTF-16 code units, which is what RFC 8785 asks for.
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`);
  return `{${members.join(",")}}`;
}

/** Takes a value of the application as JSON under the rules of V2; throws with the place in `detail`. */
export function toJson(value: unknown, place: string, depth = 0): Json {
  switch (typeof value) {
    case "boolean":
      return value;
    case "string":
      return textAt(value, place);
    case "number":
      if (!Number.isFinite(value)) throw notJson(place);
      return value === 0 ? 0 : value;
    case "object":
      break;
    default:
      throw notJson(place);
  }
  if (value === null) return null;
  if (depth >= DEPTH_MAX) {
    throw new SwainError("too_deep", `${place} is nested deeper than ${DEPTH_MAX}.`, { at: place });
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, i) => toJson(item, `${place}[${i}]`, depth + 1));
  }
  return objectToJson(value, place, depth);
}

function objectToJson(value: object, place: string, depth: number): JsonObject {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notJson(place);
  const entries = Object.entries(value).map(([name, member]: [string, unknown]) => {
    const at = `${place}.${name}`;
    return [textAt(name, at), toJson(member, at, depth + 1)] as const;
  });
  return Object.fromEntries(entries);
}

function textAt(text: string, place: string): string {
  try {
    checkText(text);
  } catch (error) {
    if (error instanceof SwainError) throw new SwainError(error.code, error.message, { at: place });
    throw error;
  }
  return text;
}

function notJson(place: string): SwainError {
  return new SwainError("wrong_type", `${place} is not a JSON value.`, { at: place });
}
