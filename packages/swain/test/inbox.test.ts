import { describe, expect, it } from "vitest";
import { Inbox, type InboxSource } from "../src/client/inbox";
import type { Mutation } from "../src/client/settlements";
import { Signal } from "../src/client/signal";
import type { DeadLetter } from "../src/client/status";
import { newMeta } from "../src/engine/batch";
import { Draft } from "../src/engine/draft";
import type { Operation } from "../src/engine/operation";
import { Replica } from "../src/engine/replica";
import type { Row } from "../src/engine/schema";
import { spec } from "./spec";

const CONFLICT: Row = {
  id: "c1",
  item: "i1",
  kind: "conflict",
  state: "open",
  choice: null,
  row_table: "games",
  row_key: ["g1"],
  row_column: "title",
  rule: "manual",
  base: "A",
  mine: "B",
  theirs: "C",
  merged: "BC",
  mine_by: "ben",
  mine_at: 7,
  theirs_by: "ada",
  theirs_name: null,
  theirs_at: 5,
  opened_at: 9,
};

function refusal(id: string, n: number, more: Row = {}): Row {
  const ops = [{ insert: { table: "games", key: [`g${n}`], set: { title: "x" } } }];
  const problem = { code: "check_failed", message: "no", table: "games", columns: ["title"], rule: "short" };
  const row = { id, item: "i2", kind: "refusal", state: "open", choice: null, device: "d1", n, ops, problem };
  return { ...row, opened_at: n, ...more };
}

function letter(n: number, ops: readonly Operation[] = []): DeadLetter {
  return { n, ops, code: "check_failed", detail: { message: "no" }, constraint: null, at: 1 };
}

/** What the inbox asked for, one line each. */
function bench(rows: readonly Row[], letters: readonly DeadLetter[] = []) {
  const lines: string[] = [];
  const source = {
    rows: new Signal(rows),
    refused: new Signal(letters),
    device: "d1",
    group: (change: () => void): Mutation => {
      change();
      return { n: 1, saved: Promise.resolve(), synced: Promise.resolve({ n: 1, status: "applied" }) };
    },
    set: (table: string, key: readonly unknown[], values: object) => {
      lines.push(`${table} ${JSON.stringify(key)} ${JSON.stringify(values)}`);
    },
    again: (ops: readonly Operation[]) => {
      lines.push(`again ${JSON.stringify(ops)}`);
    },
    discard: async (n: number) => {
      lines.push(`discard ${n}`);
    },
  } satisfies InboxSource;
  return { inbox: new Inbox(source), lines, source };
}

describe("the inbox", () => {
  it("shows what is open, refusals of one group as one, and keeps its snapshot", () => {
    spec("C29");
    const decided = { ...CONFLICT, id: "c2", choice: "mine" };
    const { inbox } = bench([refusal("r2", 2), CONFLICT, decided, refusal("r1", 1)]);
    const items = inbox.getSnapshot();
    expect(items.map(({ id }) => id)).toEqual(["i2", "c1"]);
    expect(items[0]).toMatchObject({ kind: "refusal", edits: [{ n: 1, code: "check_failed" }, { n: 2 }] });
    expect(items[1]).toMatchObject({ mine: "B", mineBy: "ben", theirs: "C", theirsBy: "ada", key: ["g1"], base: "A" });
    expect(inbox.getSnapshot()).toBe(items);
  });

  it("has the dead letters of this device that no row stands for", () => {
    spec("C29");
    const { inbox } = bench([refusal("r1", 1)], [letter(1), letter(3)]);
    const [known, own] = inbox.getSnapshot();
    expect(known).toMatchObject({ id: "i2", edits: [{ id: "r1", n: 1 }] });
    expect(own).toMatchObject({ kind: "refusal", id: "d1/3", edits: [{ id: null, n: 3, message: "no" }] });
  });

  it("decides a conflict with the value and the choice in one mutation", () => {
    spec("C29", "M15");
    const { inbox, lines } = bench([CONFLICT]);
    inbox.resolve("c1", "mine");
    inbox.resolve("c1", "merged");
    inbox.resolve("c1", { value: "Z" });
    inbox.resolve("c1", "theirs");
    expect(lines).toEqual([
      'games ["g1"] {"title":"B"}',
      'swain_inbox ["c1"] {"choice":"mine"}',
      'games ["g1"] {"title":"BC"}',
      'swain_inbox ["c1"] {"choice":"merged"}',
      'games ["g1"] {"title":"Z"}',
      'swain_inbox ["c1"] {"choice":"edited"}',
      'swain_inbox ["c1"] {"choice":"theirs"}',
    ]);
    expect(() => inbox.retry("c1")).toThrow("no refusal");
    expect(() => inbox.resolve("c9", "mine")).toThrow("nothing open");
  });

  it("tries a group again as one, or gives it up", async () => {
    spec("C29", "M16");
    const { inbox, lines } = bench([refusal("r1", 1), refusal("r2", 2)], [letter(7)]);
    inbox.retry("i2", (ops) => ops.slice(0, 1));
    expect(lines.splice(0)).toEqual([
      'again [{"insert":{"table":"games","key":["g1"],"set":{"title":"x"}}}]',
      'swain_inbox ["r1"] {"choice":"retried"}',
      'swain_inbox ["r2"] {"choice":"retried"}',
    ]);
    await inbox.discard("i2");
    expect(lines.splice(0)).toEqual([
      'swain_inbox ["r1"] {"choice":"discarded"}',
      'swain_inbox ["r2"] {"choice":"discarded"}',
    ]);
    await inbox.discard("d1/7");
    expect(lines).toEqual(["discard 7"]);
  });

  it("lets dead letters go that are decided elsewhere, or are a decision that came too late", () => {
    spec("C29");
    const late = letter(5, [{ update: { table: "swain_inbox", key: ["c1"], set: { choice: "mine" } } }]);
    const { inbox, lines, source } = bench([refusal("r1", 1)], [letter(1), late, letter(6)]);
    const stop = inbox.subscribe(() => undefined);
    source.rows.set([refusal("r1", 1, { state: "discarded", choice: "discarded" })]);
    expect(lines).toEqual(["discard 1", "discard 5"]);
    expect(inbox.getSnapshot()).toMatchObject([{ id: "d1/6" }]);
    stop();
    source.rows.set([]);
    expect(lines).toHaveLength(2);
  });
});

it("sends what a value was whole when the column says so", () => {
  spec("M3");
  const long = "long ".repeat(100);
  const columns = { id: { type: "text" }, a: { type: "text", whole: true }, b: { type: "text" } };
  const schema = { version: 1, tables: { games: { columns, key: ["id"] } } };
  const meta = { ...newMeta("d"), schema };
  const replica = new Replica({ meta, rows: [], staging: [], outbox: [] }, []);
  const draft = new Draft(
    replica,
    () => "id",
    () => -1,
  );
  draft.insert("games", { id: "g1", a: long, b: long });
  draft.update("games", ["g1"], { set: { a: "1", b: "2" } });
  const [, update] = draft.operations();
  expect(update).toMatchObject({ update: { was: { a: { value: long }, b: { hash: expect.any(String) } } } });
});
