import "fake-indexeddb/auto";
import { IDBDatabase as FakeDatabase, IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { HeldRow } from "../src/engine/batch";
import type { Entry } from "../src/engine/entry";
import { IdbStore } from "../src/store/idb-store";
import { MemoryStore } from "../src/store/memory-store";
import type { Store } from "../src/store/store";
import { spec } from "./spec";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});
afterEach(() => vi.restoreAllMocks());

function held(id: string, value: number): HeldRow {
  return { table: "t", key: [id], keyText: `["${id}"]`, row: { id, a: value }, in: ["s"] };
}

function entry(uid: string, after?: string): Entry {
  const was = after === undefined ? { value: 1 } : { afterUid: after, value: 1 };
  const ops = [{ update: { table: "t", key: ["k"], set: { a: 2 }, was: { a: was } } }];
  return { uid, n: null, base: 0, at: 0, schema: 1, ops, state: { kind: "pending", result: null } };
}

const STORES: readonly (readonly [string, () => Store])[] = [
  ["in memory", () => new MemoryStore("d1")],
  ["in IndexedDB", () => new IdbStore("db", () => "d1")],
];

describe.each(STORES)("every store, %s", (_name, newStore) => {
  it("gives numbers without a gap, once per uid, and resolves what an edit came after", async () => {
    spec("C2", "M3");
    const store = newStore();
    await store.read();
    const [one, two, again] = [
      await store.append(entry("u1")),
      await store.append(entry("u2", "u1")),
      await store.append(entry("u1")),
    ];
    expect([one.n, two.n, again.n]).toEqual([1, 2, 1]);
    expect(two.ops).toMatchObject([{ update: { was: { a: { after: 1, value: 1 } } } }]);
    expect((await store.append(entry("u3", "unknown"))).ops).toMatchObject([{ update: { was: { a: { value: 1 } } } }]);
    const { meta, outbox } = await store.read();
    expect(meta.lastN).toBe(3);
    expect(outbox).toHaveLength(3);
  });

  it("writes a frame whole: rows, cursor, acked and outbox", async () => {
    spec("C3", "C6");
    const store = newStore();
    await store.read();
    const one = await store.append(entry("u1"));
    const { generation } = await store.lead();
    await store.write(generation, { staging: { clear: false, puts: [held("s", 1)], token: "t1" } });
    expect((await store.read()).meta.loadToken).toBe("t1");
    const number = await store.write(generation, {
      mark: { cursor: "c", pos: 5, tag: 1, epoch: "e" },
      acked: 1,
      rows: [
        { kind: "put", held: held("a", 1) },
        { kind: "put", held: held("b", 2) },
        { kind: "remove", table: "t", keyText: '["b"]' },
      ],
      entries: [{ ...one, state: { kind: "acked", result: null, at: 0 } }],
      staging: { clear: true, puts: [], token: null },
    });
    const stored = await store.read();
    expect(stored.rows).toEqual([held("a", 1)]);
    expect(stored.staging).toEqual([]);
    expect(stored.outbox).toMatchObject([{ n: 1, state: { kind: "acked" } }]);
    expect(stored.meta).toMatchObject({ acked: 1, number, loadToken: null, mark: { pos: 5 } });
    await store.write(generation, { gone: [1] });
    expect((await store.read()).outbox).toEqual([]);
  });

  it("fences an earlier leader, and writes nothing of it", async () => {
    spec("C14");
    const store = newStore();
    await store.read();
    const old = await store.lead();
    const young = await store.lead();
    const batch = { rows: [{ kind: "put" as const, held: held("a", 1) }] };
    await expect(store.write(old.generation, batch)).rejects.toMatchObject({ kind: "fenced" });
    expect((await store.read()).rows).toEqual([]);
    await store.write(young.generation, batch);
    await expect(store.rewrite(old.generation, "d2", 0)).rejects.toMatchObject({ kind: "fenced" });
  });

  it("numbers pending mutations anew under a new device id, and keeps dead letters apart", async () => {
    spec("C10", "C15");
    const store = newStore();
    await store.read();
    const { generation } = await store.lead();
    const entries = [];
    for (const uid of ["u1", "u2", "u3", "u4"])
      entries.push(await store.append(entry(uid, uid === "u4" ? "u3" : undefined)));
    const [one, two] = entries;
    if (one === undefined || two === undefined) throw new Error("appended");
    const result = { n: 2, status: "refused", code: "x" };
    await store.write(generation, {
      acked: 2,
      entries: [
        { ...one, state: { kind: "acked", result: { n: 1, status: "applied" }, at: 0 } },
        { ...two, state: { kind: "refused", result, at: 0 } },
      ],
    });
    await store.rewrite(generation, "d2", 9);
    const { meta, outbox } = await store.read();
    expect(meta).toMatchObject({ device: "d2", lastN: 2, acked: 0 });
    const kept = outbox.map(({ n, uid, state }) => [n, uid, state.kind]).sort((a, b) => Number(a[0]) - Number(b[0]));
    expect(kept).toEqual([
      [-1, "u2", "refused"],
      [1, "u3", "pending"],
      [2, "u4", "pending"],
    ]);
    expect(outbox.find(({ uid }) => uid === "u4")?.ops).toMatchObject([{ update: { was: { a: { after: 1 } } } }]);
    expect((await store.append(entry("u5"))).n).toBe(3);
  });
});

describe("IndexedDB", () => {
  it("writes the outbox strictly", async () => {
    spec("C2");
    const asked: unknown[] = [];
    const transaction = FakeDatabase.prototype.transaction;
    vi.spyOn(FakeDatabase.prototype, "transaction").mockImplementation(function (
      this: IDBDatabase,
      names,
      mode,
      options,
    ) {
      asked.push((options as IDBTransactionOptions | undefined)?.durability);
      return transaction.call(this, names, mode, options);
    });
    const store = new IdbStore("db", () => "d1");
    await store.read();
    await store.append(entry("u1"));
    const { generation } = await store.lead();
    await store.write(generation, { acked: 1 });
    // Without one: the upgrade of the fake.
    expect(asked.filter((durability) => durability !== undefined)).toEqual(["relaxed", "strict", "strict", "relaxed"]);
  });

  it("opens a lost connection again and retries once", async () => {
    const store = new IdbStore("db", () => "d1");
    await store.read();
    const transaction = FakeDatabase.prototype.transaction;
    let failures = 1;
    const lost = vi.spyOn(FakeDatabase.prototype, "transaction").mockImplementation(function (
      this: IDBDatabase,
      ...args
    ) {
      failures -= 1;
      if (failures >= 0) throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
      return transaction.apply(this, args);
    });
    expect((await store.append(entry("u1"))).n).toBe(1);
    failures = 2;
    await expect(store.append(entry("u2"))).rejects.toMatchObject({ kind: "failed" });
    expect((await store.append(entry("u3"))).n).toBe(2);
    expect(lost).toHaveBeenCalled();
  });

  it("tells that there is no room, and has written nothing of the frame", async () => {
    const store = new IdbStore("db", () => "d1");
    await store.read();
    const { generation } = await store.lead();
    const put = IDBObjectStore.prototype.put;
    const full = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (
      this: IDBObjectStore,
      value: unknown,
      key,
    ) {
      if (this.name === "rows") throw new DOMException("full", "QuotaExceededError");
      return put.call(this, value, key);
    });
    const batch = { acked: 4, rows: [{ kind: "put" as const, held: held("a", 1) }] };
    await expect(store.write(generation, batch)).rejects.toMatchObject({ kind: "quota" });
    full.mockRestore();
    expect((await store.read()).meta.acked).toBe(0);
  });

  it("does not stand in the way of a newer version, and refuses to open it", async () => {
    const store = new IdbStore("db", () => "d1");
    await store.read();
    const upgraded = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open("db", 3);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    upgraded.close();
    await expect(store.read()).rejects.toMatchObject({ kind: "newer" });
  });
});
