import type { Json } from "./engine/json.js";

/** Every error of this package. `code` is stable and decides what to do; `message` is for people. */
export class SwainError extends Error {
  readonly code: string;
  readonly detail: Json;

  constructor(code: string, message: string, detail: Json = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "SwainError";
    this.code = code;
    this.detail = detail;
  }
}
