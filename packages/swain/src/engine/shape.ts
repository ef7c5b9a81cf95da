import { hashJson } from "./hash.js";
import type { Json } from "./json.js";

/** R6: a table and a filter; which rows of it this device holds. */
export interface Shape {
  readonly table: string;
  readonly where?: Filter;
}

export type Filter =
  | { readonly eq: readonly [column: string, value: Json] }
  | { readonly in: readonly [column: string, values: readonly Json[]] }
  | { readonly and: readonly Filter[] }
  | { readonly or: readonly Filter[] }
  | { readonly not: Filter }
  | { readonly isNull: string };

/** Names a shape on the device, whatever its index on a connection is. */
export function shapeId(shape: Shape): string {
  return hashJson(shapeToJson(shape));
}

export function shapeToJson(shape: Shape): Json {
  return shape as unknown as Json;
}
