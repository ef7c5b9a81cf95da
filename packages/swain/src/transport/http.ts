import { isObject, type Json, type JsonObject, parseJson } from "../engine/json.js";
import { type Refusal, refusalOf } from "./answer.js";

export type Credentials = "bearer" | "cookie";

export interface HttpOptions {
  /** Of the server. */
  readonly origin: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** How the server knows the person: by a header, or by the cookie that it set at the sign-in. */
  readonly credentials: Credentials;
  /** False: the server is asked not to compress. */
  readonly compression: boolean;
}

/** What a hello says, for transports whose connections begin with a request (P20). */
export interface Hello {
  readonly device: string;
  readonly cursor: string | null;
  readonly acked: number;
  readonly shapes: Json;
  readonly load: string | null;
  readonly schema: number;
}

export type Answer<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** The requests of one connection, as one person. All end with `abort`. */
export class Requests {
  readonly options: HttpOptions;
  readonly #lists: ShapeLists;
  readonly #abort = new AbortController();
  /** P3: replaced when it is renewed. Null: signed out. */
  token: string | null;

  constructor(options: HttpOptions, lists: ShapeLists, token: string | null) {
    this.options = options;
    this.#lists = lists;
    this.token = token;
  }

  abort(): void {
    this.#abort.abort();
  }

  /** Throws when the server is not reached. */
  send(path: string, init: RequestInit = {}): Promise<Response> {
    const { origin, fetch, credentials } = this.options;
    const headers = new Headers(init.headers);
    const isBearer = credentials === "bearer" && this.token !== null;
    if (isBearer) headers.set("authorization", `Bearer ${this.token}`);
    return fetch(`${origin}${path}`, {
      ...init,
      headers,
      cache: "no-store",
      // A cookie that is left of somebody must not speak for a visitor.
      credentials: this.token === null ? "omit" : isBearer ? "same-origin" : "include",
      signal: this.#abort.signal,
    });
  }

  post(path: string, body: string): Promise<Response> {
    return this.send(path, { method: "POST", headers: { "content-type": "application/json" }, body });
  }

  /** P20: the query of a stream; the list of shapes is posted when the server may not have it. */
  async query(hello: Hello, more: Readonly<Record<string, string | null>>): Promise<Answer<string>> {
    const hash = await this.#lists.hash(this, hello.shapes);
    if (hash.kind === "refused") return hash;
    const members: Readonly<Record<string, string | null>> = {
      protocol: "1",
      device: hello.device,
      shapes: hash.value,
      acked: String(hello.acked),
      schema: String(hello.schema),
      load: hello.load,
      ...more,
      compress: this.options.compression ? null : "0",
    };
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(members)) if (value !== null) query.set(name, value);
    return { kind: "ok", value: query.toString() };
  }

  /** The server does not have the list any longer: true, and it is posted with the next query. */
  forgets(refusal: Refusal): boolean {
    return refusal.code === "unknown_shapes" && this.#lists.forget();
  }
}

/** The hashes of the lists that were posted; they hold for every connection to the server. */
export class ShapeLists {
  readonly #hashes = new Map<string, string>();

  async hash(requests: Requests, shapes: Json): Promise<Answer<string>> {
    const body = JSON.stringify({ shapes });
    const known = this.#hashes.get(body);
    if (known !== undefined) return { kind: "ok", value: known };
    const response = await requests.post("/api/sync/shapes", body);
    if (!response.ok) return { kind: "refused", refusal: await refusalOf(response) };
    const answer = parseJson(await response.text());
    if (!isObject(answer) || typeof answer.hash !== "string") throw new TypeError("no hash of the shapes");
    this.#hashes.set(body, answer.hash);
    return { kind: "ok", value: answer.hash };
  }

  /** False: nothing was remembered, so to post again does not help. */
  forget(): boolean {
    const had = this.#hashes.size > 0;
    this.#hashes.clear();
    return had;
  }
}

/** The message of the session in its parts. */
export function messageOf(text: string): { readonly kind: string; readonly body: JsonObject } {
  const message = parseJson(text);
  const [kind = "", body = null] = isObject(message) ? (Object.entries(message)[0] ?? []) : [];
  return { kind, body: isObject(body) ? body : {} };
}

export function helloOf(body: JsonObject): Hello {
  return {
    device: String(body.device),
    cursor: textOf(body.cursor),
    acked: typeof body.acked === "number" ? body.acked : 0,
    shapes: body.shapes ?? [],
    load: textOf(body.load),
    schema: typeof body.schema === "number" ? body.schema : 0,
  };
}

export function textOf(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}
