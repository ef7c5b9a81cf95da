import { SwainError } from "../error.js";
import type { Alias } from "./alias.js";
import type { Result } from "./entry.js";
import { isArray, isObject, type Json, type JsonObject, parseJson } from "./json.js";
import type { Key, Row, Schema } from "./schema.js";

/** P4 to P12: what the server sends. An unknown kind is `ignored`. */
export type Frame =
  | Welcome
  | {
      readonly kind: "load";
      readonly shape: number;
      readonly rows: readonly Row[];
      readonly total: number | null;
      readonly token: string | null;
    }
  | { readonly kind: "load_changes"; readonly rows: readonly RowOp[] }
  | ({ readonly kind: "load_end"; readonly shapes: readonly number[] } & Moved)
  | ({ readonly kind: "changes"; readonly rows: readonly RowOp[]; readonly aliases: readonly Alias[] } & Moved)
  | ({ readonly kind: "caught_up" } & Moved)
  | ({ readonly kind: "heartbeat"; readonly expires: number | null } & Moved)
  | { readonly kind: "results"; readonly results: readonly Result[]; readonly problem: Problem | null }
  | { readonly kind: "goaway"; readonly retry: number }
  | { readonly kind: "problem"; readonly problem: Problem }
  | { readonly kind: "presence"; readonly body: JsonObject }
  | { readonly kind: "ignored" };

export interface Welcome {
  readonly kind: "welcome";
  readonly epoch: string;
  readonly now: number;
  readonly heartbeat: number;
  readonly expires: number | null;
  readonly shapes: readonly string[];
  readonly last: number;
  readonly results: readonly Result[];
  readonly aliases: readonly Alias[];
  /** Null: the one that the device has is current. */
  readonly schema: Schema | null;
  readonly load: string | null;
  readonly limits: Limits;
}

export interface Limits {
  readonly pushMutations: number;
  readonly pushBytes: number;
}

/** P9: what every frame that moves the cursor carries. */
export interface Moved {
  readonly cursor: string;
  readonly pos: number;
  readonly tag: Json;
  readonly acked: number;
}

/** P7. */
export type RowOp =
  | {
      readonly kind: "put";
      readonly table: string;
      readonly key: Key;
      readonly in: readonly number[];
      readonly row: Row;
    }
  | {
      readonly kind: "patch";
      readonly table: string;
      readonly key: Key;
      readonly in: readonly number[];
      readonly set: Row;
    }
  | { readonly kind: "remove"; readonly table: string; readonly key: Key };

/** P12. */
export interface Problem {
  readonly code: string;
  readonly title: string;
}

/** P19: a frame and its number on the connection; what came by another way than the stream has none. */
export interface Numbered {
  readonly number: number | null;
  readonly frame: Frame;
}

/** Throws a SwainError for what is no message of the protocol: the connection cannot be trusted further. */
export function parseFrame(text: string): Numbered {
  const message = parseJson(text);
  if (!isObject(message)) throw bad("message");
  const [kind, ...others] = Object.keys(message);
  if (kind === undefined || others.length > 0) throw bad("message");
  const body = message[kind];
  const number = isObject(body) ? optionalNumber(body.i, "i") : null;
  const decode = Object.hasOwn(DECODERS, kind) ? DECODERS[kind] : undefined;
  return { number, frame: decode === undefined ? { kind: "ignored" } : decode(object(body, kind)) };
}

const DECODERS: Readonly<Record<string, (body: JsonObject) => Frame>> = {
  welcome,
  load: (body) => ({
    kind: "load",
    shape: number(body.shape, "load.shape"),
    rows: list(body.rows, "load.rows").map((row) => object(row, "load.rows[]")),
    total: optionalNumber(body.total, "load.total"),
    token: optionalText(body.token, "load.token"),
  }),
  load_changes: (body) => ({ kind: "load_changes", rows: list(body.rows, "load_changes.rows").map(rowOp) }),
  load_end: (body) => ({
    kind: "load_end",
    shapes: list(body.shapes, "load_end.shapes").map((index) => number(index, "load_end.shapes[]")),
    ...moved(body),
  }),
  changes: (body) => ({
    kind: "changes",
    rows: list(body.rows, "changes.rows").map(rowOp),
    aliases: aliases(body),
    ...moved(body),
  }),
  caught_up: (body) => ({ kind: "caught_up", ...moved(body) }),
  heartbeat: (body) => ({ kind: "heartbeat", expires: optionalNumber(body.expires, "expires"), ...moved(body) }),
  results: (body) => ({
    kind: "results",
    results: list(body.results, "results.results").map(result),
    problem: body.problem === undefined || body.problem === null ? null : problem(object(body.problem, "problem")),
  }),
  goaway: (body) => ({ kind: "goaway", retry: optionalNumber(body.retry, "goaway.retry") ?? 0 }),
  // P28: for whoever asked for it; the engine looks at nothing in it.
  presence: (body) => ({ kind: "presence", body }),
  problem: (body) => ({ kind: "problem", problem: problem(body) }),
};

function welcome(body: JsonObject): Welcome {
  const limits = isObject(body.limits) ? body.limits : {};
  return {
    kind: "welcome",
    epoch: text(body.epoch, "welcome.epoch"),
    now: number(body.now, "welcome.now"),
    heartbeat: number(body.heartbeat, "welcome.heartbeat"),
    expires: optionalNumber(body.expires, "welcome.expires"),
    shapes: list(body.shapes, "welcome.shapes").map((shape) => text(object(shape, "shape").state, "shape.state")),
    last: number(body.last, "welcome.last"),
    results: list(body.results ?? [], "welcome.results").map(result),
    aliases: aliases(body),
    schema: body.schema === undefined || body.schema === null ? null : schema(body.schema),
    load: optionalText(body.load, "welcome.load"),
    limits: {
      pushMutations: optionalNumber(limits.push_mutations, "limits") ?? 50,
      pushBytes: optionalNumber(limits.push_bytes, "limits") ?? 1_048_576,
    },
  };
}

/** V8. Each table must at least say its columns and key; the rest is taken as it comes. */
function schema(value: Json | undefined): Schema {
  const body = object(value, "schema");
  const tables = object(body.tables, "schema.tables");
  for (const table of Object.values(tables)) {
    const { columns, key } = object(table, "schema.tables[]");
    for (const column of Object.values(object(columns, "columns"))) text(object(column, "column").type, "type");
    for (const column of list(key, "key")) text(column, "key[]");
  }
  number(body.version, "schema.version");
  return body as unknown as Schema;
}

/** P25. */
function aliases(body: JsonObject): readonly Alias[] {
  return list(body.alias ?? [], "alias").map((value) => {
    const alias = object(value, "alias[]");
    return {
      n: number(alias.n, "alias.n"),
      table: text(alias.table, "alias.table"),
      from: list(alias.from, "alias.from"),
      to: list(alias.to, "alias.to"),
    };
  });
}

function moved(body: JsonObject): Moved {
  return {
    cursor: text(body.cursor, "cursor"),
    pos: number(body.pos, "pos"),
    tag: body.tag ?? null,
    acked: optionalNumber(body.acked, "acked") ?? 0,
  };
}

function rowOp(value: Json): RowOp {
  const operation = object(value, "row");
  const [kind = ""] = Object.keys(operation);
  const body = object(operation[kind], "row");
  const at = { table: text(body.table, "row.table"), key: list(body.key, "row.key") };
  const indexes = (): number[] => list(body.in, "row.in").map((index) => number(index, "row.in[]"));
  switch (kind) {
    case "put":
      return { kind, ...at, in: indexes(), row: object(body.row, "put.row") };
    case "patch":
      return { kind, ...at, in: indexes(), set: object(body.set, "patch.set") };
    case "remove":
      return { kind, ...at };
    default:
      // To leave out a change of a row that is not understood would be a hole.
      throw bad(`row.${kind}`);
  }
}

function result(value: Json): Result {
  const body = object(value, "result");
  const code = optionalText(body.code, "result.code");
  return {
    n: number(body.n, "result.n"),
    status: text(body.status, "result.status"),
    ...(code === null ? {} : { code }),
    ...(body.detail === undefined ? {} : { detail: body.detail }),
    ...(body.lost === undefined ? {} : { lost: body.lost }),
  };
}

function problem(body: JsonObject): Problem {
  const code = text(body.code, "problem.code");
  return { code, title: typeof body.title === "string" ? body.title : code };
}

function object(value: Json | undefined, place: string): JsonObject {
  if (!isObject(value)) throw bad(place);
  return value;
}

function list(value: Json | undefined, place: string): readonly Json[] {
  if (!isArray(value)) throw bad(place);
  return value;
}

function text(value: Json | undefined, place: string): string {
  if (typeof value !== "string") throw bad(place);
  return value;
}

function number(value: Json | undefined, place: string): number {
  if (typeof value !== "number") throw bad(place);
  return value;
}

function optionalText(value: Json | undefined, place: string): string | null {
  return value === undefined || value === null ? null : text(value, place);
}

function optionalNumber(value: Json | undefined, place: string): number | null {
  return value === undefined || value === null ? null : number(value, place);
}

function bad(place: string): SwainError {
  return new SwainError("bad_frame", `The server sent something that is not in the protocol: ${place}.`, { at: place });
}
