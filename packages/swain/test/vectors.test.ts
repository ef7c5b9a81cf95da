import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { HeldRow, Stored } from "../src/engine/batch";
import { newMeta } from "../src/engine/batch";
import { canonical } from "../src/engine/canonical";
import type { Entry } from "../src/engine/entry";
import { hash } from "../src/engine/hash";
import { type Json, type JsonObject, parseJson } from "../src/engine/json";
import { applyOperation, type Operation } from "../src/engine/operation";
import { type Ending, Picker, type TransportKind } from "../src/engine/picker";
import { Replica } from "../src/engine/replica";
import { type Key, keyOf, keyText, type Row, type Schema, type TableSchema } from "../src/engine/schema";
import type { Shape } from "../src/engine/shape";
import { SwainError } from "../src/error";
import { type Other, People } from "../src/presence/people";
import { Device } from "./device";
import { spec } from "./spec";

const FOLDER = new URL("../../../spec/vectors/", import.meta.url);

interface Case {
  readonly name: string;
  readonly why: string;
}
interface CanonicalCase extends Case {
  readonly input: string;
  readonly canonical?: string;
  readonly hash?: string;
  readonly error?: string;
}
interface OperationsCase extends Case {
  readonly row: Row | null;
  readonly ops: readonly Operation[];
  readonly table: TableSchema;
  readonly after: Row | null;
}
interface OverlayCase extends Case {
  readonly schema: Schema;
  readonly confirmed: Readonly<Record<string, readonly Row[]>>;
  readonly pending: readonly { readonly n: number; readonly ops: readonly Operation[] }[];
  readonly acked: number;
  readonly visible: Readonly<Record<string, readonly Row[]>>;
}
interface SessionCase extends Case {
  readonly schema: Schema;
  readonly shapes: readonly Shape[];
  readonly steps: readonly Step[];
}
interface PickCase extends Case {
  readonly transports: readonly [TransportKind, ...TransportKind[]];
  readonly steps: readonly PickStep[];
}
interface RoomCase extends Case {
  readonly steps: readonly (
    | { readonly frame: { readonly presence: JsonObject } }
    | { readonly expect: { readonly others: readonly Other[]; readonly problem: string | null } }
  )[];
}
/** Times are ms from the first step; `life` is null when there was no welcome. */
type PickStep =
  | { readonly at: number; readonly use: TransportKind }
  | { readonly at: number; readonly welcome: true }
  | { readonly at: number; readonly end: Ending; readonly life: number | null }
  | { readonly at: number; readonly online: true }
  | { readonly at: number; readonly wait_cut: true }
  | { readonly expect: { readonly return_at?: number | null; readonly wait?: number } };
type Step =
  | { readonly frame: Readonly<Record<string, Json>> }
  | { readonly mutate: { readonly ops: readonly Operation[] } }
  | { readonly expect: Expected };
interface Expected {
  readonly visible?: Readonly<Record<string, readonly Row[]>>;
  readonly cursor?: string | null;
  readonly pending?: readonly number[];
  readonly refused?: readonly number[];
  readonly staged?: number;
  readonly connected?: boolean;
  /** C19: rows by a key that may be an old one. */
  readonly get?: readonly { readonly table: string; readonly key: Key; readonly row: Row | null }[];
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".json"))) {
  const { kind, cases } = JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) as { kind: string; cases: Case[] };
  const run = runnerOf(kind);
  if (run === null) continue;
  describe(file, () => {
    it.each(cases.map((one) => [one.name, one] as const))("%s", (_name, one) => {
      // The rules that a case proves are named in its reason.
      spec(...(one.why.match(/\b[VMPC][0-9]+\b/g) ?? []));
      run(one);
    });
  });
}

/** Kinds that only the server knows are not run here. */
function runnerOf(kind: string): ((one: Case) => void) | null {
  switch (kind) {
    case "canonical":
      return (one) => runCanonical(one as CanonicalCase);
    case "operations":
      return (one) => runOperations(one as OperationsCase);
    case "overlay":
      return (one) => runOverlay(one as OverlayCase);
    case "session":
      return (one) => runSession(one as SessionCase);
    case "transport_pick":
      return (one) => runPick(one as PickCase);
    case "presence_room":
      return (one) => runRoom(one as RoomCase);
    default:
      return null;
  }
}

function runCanonical(one: CanonicalCase): void {
  spec("V2", "V3", "V4");
  if (one.error === undefined) {
    const text = canonical(parseJson(one.input));
    expect(text).toBe(one.canonical);
    expect(hash(text)).toBe(one.hash);
    return;
  }
  let code: string | null = null;
  try {
    parseJson(one.input);
  } catch (error) {
    code = error instanceof SwainError ? error.code : String(error);
  }
  expect(code).toBe(one.error);
}

function runOperations(one: OperationsCase): void {
  spec("M1", "M2", "V7");
  const after = one.ops.reduce((row: Row | null, operation) => applyOperation(row, operation, one.table), one.row);
  expect(after).toEqual(one.after);
}

function runOverlay(one: OverlayCase): void {
  spec("C1", "C4", "V5", "V6");
  const held = Object.entries(one.confirmed).flatMap(([table, rows]) =>
    rows.map((row) => heldRow(one.schema, table, row)),
  );
  const outbox = one.pending.map(({ n, ops }): Entry => {
    const state: Entry["state"] =
      n <= one.acked ? { kind: "acked", result: null, at: 0 } : { kind: "pending", result: null };
    return { uid: `u${n}`, n, base: 0, at: 0, schema: one.schema.version, ops, state };
  });
  const meta = { ...newMeta("d"), schema: one.schema, acked: one.acked };
  const stored: Stored = { meta, rows: held, staging: [], outbox };
  expectVisible(new Replica(stored, ["s"]), one.visible);
}

/** A `welcome` stands for a new connection: the device says hello first. */
function runSession(one: SessionCase): void {
  const device = new Device(one.shapes, one.schema);
  for (const step of one.steps) {
    if ("frame" in step) {
      if ("welcome" in step.frame) device.reconnect();
      device.frame(step.frame);
    } else if ("mutate" in step) {
      device.mutate(step.mutate.ops);
    } else {
      expectState(device, step.expect);
    }
  }
}

function runRoom(one: RoomCase): void {
  const people = new People();
  for (const step of one.steps) {
    if ("frame" in step) people.hear(step.frame.presence);
    else expect({ others: people.others, problem: people.problem }).toEqual(step.expect);
  }
}

function runPick(one: PickCase): void {
  const picker = new Picker(one.transports);
  for (const [number, step] of one.steps.entries()) {
    const place = `step ${number}: ${JSON.stringify(step)}`;
    if ("use" in step) expect(picker.choose(step.at), place).toBe(step.use);
    else if ("welcome" in step) picker.handleWelcome(step.at);
    else if ("end" in step) picker.handleEnd(step.at, step.end, step.life);
    else if ("online" in step) picker.handleOnline(step.at);
    else if ("wait_cut" in step) picker.handleWaitCut(step.at);
    else expectPick(picker, step.expect, place);
  }
}

function expectPick(
  picker: Picker,
  expected: { readonly return_at?: number | null; readonly wait?: number },
  place: string,
): void {
  if (expected.return_at !== undefined) expect(picker.returnAt, place).toBe(expected.return_at);
  if (expected.wait !== undefined) expect(picker.waitSeconds, place).toBe(expected.wait);
}

function expectState(device: Device, expected: Expected): void {
  const { replica } = device;
  const ns = (entries: readonly Entry[]): readonly (number | null)[] => entries.map((entry) => entry.n);
  if (expected.visible !== undefined) expectVisible(replica, expected.visible);
  for (const { table, key, row } of expected.get ?? []) {
    expect(replica.row(table, keyText(replica.resolve(table, key))) ?? null).toEqual(row);
  }
  if (expected.cursor !== undefined) expect(replica.meta.mark?.cursor ?? null).toBe(expected.cursor);
  if (expected.pending !== undefined) {
    expect(ns(replica.outbox.saved().filter((entry) => entry.state.kind === "pending"))).toEqual(expected.pending);
  }
  if (expected.refused !== undefined) expect(ns(replica.outbox.refused())).toEqual(expected.refused);
  if (expected.staged !== undefined) expect(replica.staging.size).toBe(expected.staged);
  if (expected.connected !== undefined) expect(device.isConnected).toBe(expected.connected);
}

function expectVisible(replica: Replica, visible: Readonly<Record<string, readonly Row[]>>): void {
  for (const [table, rows] of Object.entries(visible)) {
    const found = [...replica.rows(table)].sort((a, b) => (a.keyText < b.keyText ? -1 : 1));
    expect(found.map(({ row }) => row)).toEqual(rows);
  }
}

function heldRow(schema: Schema, table: string, row: Row): HeldRow {
  const one = schema.tables[table];
  if (one === undefined) throw new Error(`no table ${table}`);
  const key: Key = keyOf(row, one);
  return { table, key, keyText: keyText(key), row, in: ["s"] };
}
