import { describe, expect, it } from "vitest";
import { backoffMs } from "../src/engine/backoff";
import { canonical, toJson } from "../src/engine/canonical";
import { hash } from "../src/engine/hash";
import { equalJson, type Json, parseJson } from "../src/engine/json";
import { type ColumnSchema, type Row, toWire } from "../src/engine/schema";
import { compareValues, type Selection, Selector } from "../src/engine/select";
import { shapeId } from "../src/engine/shape";
import { uuidV7 } from "../src/engine/uuid";
import { SwainError } from "../src/error";
import { spec } from "./spec";

function codeOf(call: () => unknown): string {
  try {
    return JSON.stringify(call());
  } catch (error) {
    return error instanceof SwainError ? error.code : String(error);
  }
}

describe("values", () => {
  it("hashes like FNV-1a", () => {
    spec("V4");
    expect(hash("")).toBe("cbf29ce484222325");
    expect(hash("a")).toBe("af63dc4c8601ec8c");
    expect(hash("foobar")).toBe("85944171f73967e8");
  });

  it("parses what JSON.parse parses to the same value", () => {
    spec("V2");
    const random = generator(7);
    for (let i = 0; i < 300; i += 1) {
      const value = randomJson(random, 4);
      const text = JSON.stringify(value, null, i % 3);
      expect(parseJson(text)).toEqual(JSON.parse(text));
      expect(canonical(parseJson(canonical(value)))).toBe(canonical(value));
      expect(equalJson(value, parseJson(text))).toBe(true);
    }
  });

  it("take the wire form of their column's type", () => {
    spec("V1");
    const given: readonly [string, unknown, string][] = [
      ["bool", true, "true"],
      ["bool", 1, "wrong_type"],
      ["int64", 5, "5"],
      ["int64", -0, "0"],
      ["int64", 5n, "5"],
      ["int64", 2n ** 60n, '"1152921504606846976"'],
      ["int64", "9007199254740993", '"9007199254740993"'],
      ["int64", "5", "wrong_type"],
      ["int64", "05", "wrong_type"],
      ["int64", 2n ** 63n, "number_out_of_range"],
      ["int64", "9223372036854775808", "number_out_of_range"],
      ["int64", 2 ** 53, "number_out_of_range"],
      ["int64", 1.5, "wrong_type"],
      ["float64", 1.5, "1.5"],
      ["float64", Number.POSITIVE_INFINITY, '"Infinity"'],
      ["float64", Number.NaN, "wrong_type"],
      ["decimal", "1.10", '"1.10"'],
      ["decimal", 1.1, "wrong_type"],
      ["text", "x", '"x"'],
      ["text", "\ud800", "lone_surrogate"],
      ["bytes", new Uint8Array([0, 255]), '"AP8="'],
      ["bytes", "AP8", "wrong_type"],
      ["json", { b: [1, null] }, '{"b":[1,null]}'],
      ["json", { b: undefined }, "wrong_type"],
      ["json", new Date(0), "wrong_type"],
      ["time", "2026-01-01", '"2026-01-01"'],
      ["text", null, "null"],
    ];
    for (const [type, value, expected] of given) {
      const column: ColumnSchema = { type };
      expect([type, codeOf(() => toWire(value, column, "t.a"))]).toEqual([type, expected]);
    }
  });

  it("are refused when they are nested too deep, or in a circle", () => {
    spec("V2");
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(codeOf(() => toJson(circle, "a"))).toBe("too_deep");
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(codeOf(() => toJson(nested(64), "a"))).not.toBe("too_deep");
    expect(codeOf(() => toJson(nested(65), "a"))).toBe("too_deep");
  });
});

describe("small things", () => {
  it("waits between nothing and the limit", () => {
    spec("C8");
    expect([0, 1, 4, 5, 1000].map((attempt) => backoffMs(attempt, 1000, 0.5))).toEqual([
      500, 1000, 8000, 15_000, 15_000,
    ]);
    expect(backoffMs(3, 1000, 0)).toBe(0);
  });

  it("makes sortable ids", () => {
    const ids = [1, 2, 3].map((now) => uuidV7(1_700_000_000_000 + now, () => 0.999));
    expect([...ids].sort()).toEqual(ids);
    expect(ids[0]).toMatch(/^018bcfe5-6801-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("names a shape by what it is, not by how it is written", () => {
    spec("V7");
    expect(shapeId({ table: "t", where: { eq: ["a", 1] } })).toBe(shapeId({ where: { eq: ["a", 1] }, table: "t" }));
    expect(shapeId({ table: "t" })).not.toBe(shapeId({ table: "u" }));
  });

  it("orders values", () => {
    const values: Json[] = ["b", 10, null, true, "a", 9, false, "9223372036854775807", "-9223372036854775807"];
    const sorted = values.sort(compareValues);
    expect(sorted).toEqual([null, false, true, "-9223372036854775807", 9, 10, "9223372036854775807", "a", "b"]);
  });

  it("selects by columns, in order, up to a limit", () => {
    const rows = [3, 1, 2].map((id) => ({ key: [id], keyText: `[${id}]`, row: { id, a: id === 2 ? null : "x" } }));
    const selected = (from: typeof rows, selection: Selection): readonly Row[] => {
      const selector = new Selector(selection);
      return selector.shown(selector.select(from));
    };
    expect(selected(rows, {}).map((row) => row.id)).toEqual([1, 2, 3]);
    expect(selected(rows, { where: { a: "x" }, orderBy: [["id", "desc"]] }).map((row) => row.id)).toEqual([3, 1]);
    expect(selected(rows, { where: (row) => row.a === null, limit: 5 }).map((row) => row.id)).toEqual([2]);
    expect(selected(rows, { orderBy: [["a", "asc"]], limit: 2 }).map((row) => row.id)).toEqual([2, 1]);
  });
});

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

function randomJson(random: () => number, depth: number): Json {
  const kind = Math.floor(random() * (depth > 0 ? 7 : 5));
  const text = String.fromCodePoint(...[...Array(3)].map(() => 1 + Math.floor(random() * 0xd7fe)));
  if (kind === 0) return null;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) return Math.floor(random() * 2000) - 1000;
  if (kind === 3) return (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20);
  if (kind === 4) return text;
  const items = [...Array(Math.floor(random() * 4))].map(() => randomJson(random, depth - 1));
  return kind === 5 ? items : Object.fromEntries(items.map((item, i) => [`${text}${i}`, item]));
}
