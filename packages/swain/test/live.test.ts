import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Client, createClient, type Row, type Selection } from "../src/index";
import { Browser, FakePage } from "./fake-page";
import { FakeServer } from "./fake-server";
import { spec } from "./spec";

let server: FakeServer;
let browser: Browser;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  server = new FakeServer();
  server.chunk = 500;
  browser = new Browser();
});

function put(id: string, row: Row): void {
  server.rows.set(JSON.stringify([id]), { id, title: null, score: null, tags: null, ...row });
}

async function live(extra: Partial<Parameters<typeof createClient>[0]> = {}): Promise<Client> {
  const client = createClient({
    url: "https://swain.test",
    shapes: [{ table: "games" }],
    environment: browser.tab(server, new FakePage()),
    ...extra,
  });
  await client.start();
  await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("live"));
  return client;
}

describe("a live query", () => {
  it("shows after every random step what a new query shows", async () => {
    const seed = Math.floor(Math.random() * 1e9);
    const random = generator(seed);
    const draw = (below: number): number => Math.floor(random() * below);
    for (let i = 0; i < 30; i += 1) put(`g${i}`, { title: ["A", "B", null][i % 3] ?? null, score: i % 7 });
    const client = await live({ indexes: { games: ["title"] } });
    const selections: Selection[] = [
      {},
      { where: { title: "A" } },
      { where: { title: null, score: 3 } },
      { where: (row) => Number(row.score) > 3, orderBy: [["score", "desc"]], limit: 4 },
      { orderBy: [["title", "asc"]], limit: 7 },
    ];
    const watched = selections.map((selection) => client.query("games", selection));
    for (const query of watched) query.subscribe(() => undefined);

    for (let step = 0; step < 300; step += 1) {
      const games = client.table("games");
      const id = `g${draw(40)}`;
      const row = { title: ["A", "B", null][draw(3)] ?? null, score: draw(7) };
      const isThere = games.get(id) !== undefined;
      if (!isThere) games.insert({ id, ...row });
      else if (draw(4) === 0) games.delete(id);
      else games.update(id, row);
      for (const [i, query] of watched.entries()) {
        const anew = client.query("games", selections[i]).getSnapshot();
        expect(query.getSnapshot(), `seed ${seed}, step ${step}, query ${i}`).toEqual(anew);
      }
    }
    await client.close();
  });

  it("looks only at the rows that changed, and with an index only at those it finds", async () => {
    for (let i = 0; i < 400; i += 1) put(`g${i}`, { title: i % 100 === 0 ? "rare" : "often", score: i });
    const client = await live({ indexes: { games: ["title"] } });
    let looks = 0;
    const counting = client.query("games", {
      where: () => {
        looks += 1;
        return true;
      },
    });
    counting.subscribe(() => undefined);
    expect(counting.getSnapshot()).toHaveLength(400);

    looks = 0;
    client.table("games").update("g7", { score: 8 });
    expect(counting.getSnapshot().find((row) => row.id === "g7")).toMatchObject({ score: 8 });
    expect(looks).toBe(2);
    const rare = client.query("games", { where: { title: "rare" } });
    expect(rare.getSnapshot().map((row) => row.id)).toEqual(["g0", "g100", "g200", "g300"]);
    await client.close();
  });

  it("counts, and follows one row by any key", async () => {
    put("g1", { title: "A", score: 1 });
    const client = await live();
    const count = client.count("games", { title: "A" });
    const row = client.row("games", "g2");
    const calls = { count: vi.fn(), row: vi.fn() };
    count.subscribe(calls.count);
    row.subscribe(calls.row);
    expect([count.getSnapshot(), row.getSnapshot()]).toEqual([1, undefined]);

    client.table("games").insert({ id: "g2", title: "B" });
    expect([count.getSnapshot(), row.getSnapshot()?.title]).toEqual([1, "B"]);
    expect([calls.count.mock.calls.length, calls.row.mock.calls.length]).toEqual([0, 1]);
    client.table("games").update("g2", { title: "A" });
    expect([count.getSnapshot(), row.getSnapshot()?.title]).toEqual([2, "A"]);
    client.table("games").update("g1", { score: 2 });
    expect([calls.count.mock.calls.length, calls.row.mock.calls.length]).toEqual([1, 2]);
    await client.close();
  });

  it("waits for the server when it must be fresh", async () => {
    spec("C12");
    put("g1", { title: "old" });
    await (await live()).close();
    put("g1", { title: "new" });
    server.pos += 1;
    server.isReachable = false;
    const client = createClient({
      url: "https://swain.test",
      shapes: [{ table: "games" }],
      environment: browser.tab(server),
    });
    await client.start();
    const query = client.query("games");
    expect(query.getSnapshot().map((row) => row.title)).toEqual(["old"]);

    const fresh = query.fresh();
    server.isReachable = true;
    browser.clock.advance(2000);
    expect((await fresh).map((row) => row.title)).toEqual(["new"]);
    await client.close();
  });
});

describe("shapes at run time", () => {
  it("leave the screen at once, come back, and no edit of theirs is lost", async () => {
    spec("C25");
    put("g1", { title: "A" });
    const client = await live();
    const second = await live();
    const titles = (of: Client): readonly unknown[] =>
      of
        .query("games")
        .getSnapshot()
        .map((row) => row.title);
    server.isReachable = false;
    server.cut();
    await client.table("games").update("g1", { title: "offline edit" }).saved;

    await client.setShapes([]);
    await vi.waitFor(() => expect([titles(client), titles(second)]).toEqual([[], []]));
    expect(client.status.getSnapshot().pending).toBe(1);
    await client.setShapes([{ table: "games" }]);
    expect(titles(client)).toEqual(["offline edit"]);

    server.isReachable = true;
    await vi.waitFor(() => {
      browser.clock.advance(1000);
      expect(client.status.getSnapshot()).toMatchObject({ state: "live", pending: 0 });
    });
    expect(server.rows.get('["g1"]')?.title).toBe("offline edit");
    expect(titles(client)).toEqual(["offline edit"]);
    await vi.waitFor(() => expect(titles(second)).toEqual(["offline edit"]));
    const hellos = server.received.flatMap(({ hello }) => (hello === undefined ? [] : [hello.shapes]));
    expect(hellos.at(-1)).toEqual([{ table: "games" }]);
    await Promise.all([client.close(), second.close()]);
  });
});

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
