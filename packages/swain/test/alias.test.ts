import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ALIASES_MAX, Aliases } from "../src/engine/alias";
import { BLOCK_IDS, blocksBefore, TemporaryIds } from "../src/engine/temporary";
import { type Change, type Client, createClient, type Row } from "../src/index";
import { IdbStore } from "../src/store/idb-store";
import { MemoryStore } from "../src/store/memory-store";
import { Browser, FakePage } from "./fake-page";
import { FakeServer, SERIAL } from "./fake-server";
import { spec } from "./spec";

let server: FakeServer;
let browser: Browser;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  server = new FakeServer();
  server.schema = SERIAL;
  browser = new Browser();
  server.rows.set("[3]", { id: 3, title: "old", parent: null });
});

async function open(from = browser): Promise<Client> {
  const environment = from.tab(server, new FakePage());
  const client = createClient({ url: "https://swain.test", shapes: [{ table: "games" }], environment });
  await client.start();
  await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("live"));
  return client;
}

function titles(client: Client): readonly unknown[] {
  const rows = client.query<Row>("games", { orderBy: [["title", "asc"]] }).getSnapshot();
  return rows.map((row) => row.title);
}

describe("a row whose id the server gives", () => {
  it("has a negative id at once, and is found under it for ever", async () => {
    spec("C19", "P25", "C13");
    const client = await open();
    server.holdsPushes = true;
    const changes: Change[] = [];
    client.onChange((change) => changes.push(change));
    const query = client.query<Row>("games", { where: { title: "new" } });
    const seen: (readonly unknown[])[] = [];
    query.subscribe(() => seen.push(query.getSnapshot().map((row) => row.id)));

    const made = client.table("games").insert({ title: "new" });
    const child = client.table("games").insert({ title: "child", parent: made.key });
    expect(made.key).toBeLessThan(0);
    expect(client.table("games").get(made.key as number)).toMatchObject({ title: "new" });
    server.release();
    await Promise.all([made.synced, child.synced]);

    await vi.waitFor(() => expect(client.status.getSnapshot().pending).toBe(0));
    expect(client.table("games").resolve(made.key as number)).toBe(41);
    expect(client.table("games").get(made.key as number)).toMatchObject({ id: 41, title: "new" });
    expect(client.table("games").get(child.key as number)).toMatchObject({ id: 42, parent: 41 });
    expect(seen).toEqual([[made.key], [41]]);
    const moved = changes.find((change) => change.aliases.length > 0);
    expect(moved?.aliases).toEqual([{ n: 1, table: "games", from: [made.key], to: [41] }]);
    const told = (moved?.rows ?? []).map(({ key, after }) => `${String(key[0])} ${after === null ? "goes" : "comes"}`);
    const wanted: readonly string[] = [`${String(made.key)} goes`, "41 comes"];
    expect(told.filter((line) => wanted.includes(line)).sort()).toEqual(wanted);
    await client.close();
  });

  it("is edited under either key, before and after a restart, and never sent under a made-up one again", async () => {
    spec("C19");
    const first = await open();
    const made = first.table("games").insert({ title: "new" });
    await made.synced;
    await first.table("games").update(made.key as number, { title: "newer" }).synced;
    await first.close();

    const again = await open();
    const old = made.key as number;
    expect(again.table("games").get(old)).toMatchObject({ id: 41, title: "newer" });
    await again.table("games").update(old, { title: "newest" }).synced;
    const child = again.table("games").insert({ title: "child", parent: old });
    await child.synced;
    expect(child.key).not.toBe(old);
    expect(again.rowState("games", old)).toBe("synced");
    await again.table("games").delete(old).synced;

    expect(again.table("games").get(old)).toBeUndefined();
    expect([...server.rows.values()].map((row) => row.title)).toEqual(["old", "child"]);
    const sent = JSON.stringify(server.received.slice(-4));
    expect(sent).not.toContain(`"key":[${old}]`);
    await again.close();
  });

  it("has its key inside a group, for the rows that name it", async () => {
    spec("C19", "M10");
    const client = await open();
    const group = client.group(() => {
      const parent = client.table("games").insert({ title: "parent" });
      client.table("games").insert({ title: "child", parent: parent.key });
      expect(client.table("games").get(parent.key as number)).toMatchObject({ title: "parent" });
    });
    await group.synced;

    const rows = [...server.rows.values()];
    const parent = rows.find((row) => row.title === "parent");
    expect(rows.find((row) => row.title === "child")?.parent).toBe(parent?.id);
    await client.close();
  });

  it("is known to the other tabs under both keys", async () => {
    spec("C14", "C19");
    const leader = await open();
    const follower = await open();
    const made = follower.table("games").insert({ title: "F" });
    const other = leader.table("games").insert({ title: "L" });
    expect(made.key).not.toBe(other.key);
    await Promise.all([made.synced, other.synced]);

    for (const tab of [leader, follower]) {
      for (const { key } of [made, other]) {
        await vi.waitFor(() => expect(tab.table("games").get(key as number)?.id).toBeGreaterThan(40));
      }
      expect(titles(tab)).toEqual(["F", "L", "old"]);
    }
    await Promise.all([leader.close(), follower.close()]);
  });

  it("waits for its id through a cut: the welcome tells it", async () => {
    spec("P25");
    const client = await open();
    server.holdsPushes = true;
    const made = client.table("games").insert({ title: "new" });
    await made.saved;
    await vi.waitFor(() => expect(server.received.some((message) => "push" in message)).toBe(true));
    server.cut();
    server.release();
    await client.sync().catch(() => client.sync());
    await made.synced;

    expect(client.table("games").get(made.key as number)).toMatchObject({ title: "new" });
    expect([...server.rows.values()].filter((row) => row.title === "new")).toHaveLength(1);
    await client.close();
  });
});

describe("an upsert", () => {
  it("is an edit of the row that is here, or makes one", async () => {
    spec("C20", "M11");
    const client = await open();
    const here = client.table("games").upsert(["title"], { title: "old", parent: null });
    const made = client.table("games").upsert(["title"], { title: "new" });
    const again = client.table("games").upsert(["title"], { title: "new", parent: 3 });

    expect(here.key).toBe(3);
    expect(made.key).toBeLessThan(0);
    expect(again.key).toBe(made.key);
    expect(client.table("games").get(made.key as number)).toMatchObject({ title: "new", parent: 3 });
    expect(() => client.table("games").upsert(["parent"], { parent: 3 })).toThrow(
      expect.objectContaining({ code: "not_unique" }),
    );
    await again.synced;
    await client.close();
  });
});

describe("temporary ids", () => {
  it.each([
    ["in memory", () => new MemoryStore("d")],
    ["in IndexedDB", () => new IdbStore("db", () => "d")],
  ] as const)("are drawn from blocks that are never given out again, %s", async (_name, newStore) => {
    spec("C19");
    const store = newStore();
    await store.read();
    const blocks = [await store.reserve(), await store.reserve()];
    const { generation } = await store.lead();
    await store.rewrite(generation, "another device", 0);
    blocks.push(await store.reserve());
    const before = blocksBefore("d");
    expect(blocks).toEqual([before + 1, before + 2, before + 3]);
    expect(blocksBefore("e")).not.toBe(before);

    const [one, two] = [new TemporaryIds(1), new TemporaryIds(2)];
    expect([one.draw(), one.draw(), two.draw()]).toEqual([-BLOCK_IDS, -BLOCK_IDS - 1, -2 * BLOCK_IDS]);
    for (let i = 2; i < BLOCK_IDS; i += 1) one.draw();
    expect(() => one.draw()).toThrow(expect.objectContaining({ code: "limit_temporary_ids" }));
  });

  it("are remembered up to a limit, the oldest go first", () => {
    spec("C19");
    const alias = (n: number) => ({ n, table: "games", from: [-n], to: [n] });
    const aliases = new Aliases(Array.from({ length: ALIASES_MAX }, (_, i) => alias(i + 1)));
    expect(aliases.surplus()).toEqual([]);
    aliases.put(alias(ALIASES_MAX + 1));
    expect(aliases.surplus()).toEqual([alias(1)]);
  });
});

describe.each([
  ["in memory", () => new MemoryStore("d")],
  ["in IndexedDB", () => new IdbStore("db", () => "d")],
] as const)("aliases in a store, %s", (_name, newStore) => {
  it("are kept, replaced and forgotten, and belong to no mutation of a new device id", async () => {
    spec("C19", "C10");
    const store = newStore();
    await store.read();
    const { generation } = await store.lead();
    const one = { n: 1, table: "games", from: [-1], to: [41] };
    const two = { n: 2, table: "games", from: [-2], to: [42] };
    await store.write(generation, { aliases: [one, two], schema: SERIAL });
    await store.write(generation, {
      aliases: [
        { ...one, n: 3, to: [43] },
        { ...two, to: two.from },
      ],
    });
    expect((await store.read()).aliases).toEqual([{ ...one, n: 3, to: [43] }]);

    await store.write(generation, { aliases: [two] });
    await store.rewrite(generation, "another device", 2);
    expect((await store.read()).aliases).toEqual([{ ...two, n: 0 }]);
  });
});
