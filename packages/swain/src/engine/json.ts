import { SwainError } from "../error.js";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** V2: deeper nesting is refused as `too_deep`. */
export const DEPTH_MAX = 64;

/** V2: the one parser of everything that comes from outside. Throws a SwainError with the code of the rule. */
export function parseJson(text: string): Json {
  return new Parser(text).document();
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
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these.
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const HEX = /[0-9a-fA-F]{4}/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#malformed();
    return value;
  }

  #value(depth: number): Json {
    this.#space();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(depth + 1);
      case "[":
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    this.#enter(depth);
    const object: Record<string, Json> = {};
    if (this.#skip("}")) return object;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#malformed();
      const name = this.#string();
      if (Object.hasOwn(object, name)) {
        throw new SwainError("duplicate_name", `An object has the name ${JSON.stringify(name)} twice.`);
      }
      if (!this.#skip(":")) throw this.#malformed();
      setOwn(object, name, this.#value(depth));
    } while (this.#skip(","));
    if (!this.#skip("}")) throw this.#malformed();
    return object;
  }

  #array(depth: number): Json[] {
    this.#enter(depth);
    const array: Json[] = [];
    if (this.#skip("]")) return array;
    do array.push(this.#value(depth));
    while (this.#skip(","));
    if (!this.#skip("]")) throw this.#malformed();
    return array;
  }

  #enter(depth: number): void {
    if (depth > DEPTH_MAX) {
      throw new SwainError("too_deep", `The nesting is deeper than ${DEPTH_MAX}.`);
    }
    this.#at += 1;
  }

  #string(): string {
    this.#at += 1;
    let result = "";
    for (;;) {
      result += this.#match(PLAIN) ?? "";
      const next = this.#text[this.#at];
      this.#at += 1;
      if (next === '"') break;
      if (next !== "\\") throw this.#malformed();
      result += this.#escape();
    }
    checkText(result);
    return result;
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? "";
    this.#at += 1;
    if (letter !== "u") {
      const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
      if (plain === undefined) throw this.#malformed();
      return plain;
    }
    const digits = this.#match(HEX);
    if (digits === null) throw this.#malformed();
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #number(): number {
    const text = this.#match(NUMBER);
    if (text === null || text === "") throw this.#malformed();
    const value = Number(text);
    if (!Number.isFinite(value)) {
      throw new SwainError("number_out_of_range", `No double holds the number ${text.slice(0, 40)}.`);
    }
    return value === 0 ? 0 : value;
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#malformed();
    this.#at += word.length;
    return value;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #skip(mark: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at += 1;
    }
  }

  #malformed(): SwainError {
    return new SwainError("malformed_json", `This is not JSON at character ${this.#at}.`);
  }
}

/** A plain assignment to `__proto__` would change the prototype and lose the value. */
function setOwn(object: Record<string, Json>, name: string, value: Json): void {
  if (name !== "__proto__") {
    object[name] = value;
    return;
  }
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
