import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Client, createClient, type PaceOptions } from "../src/index";
import { Browser, FakePage } from "./fake-page";
import { FakeServer } from "./fake-server";
import { spec } from "./spec";

let server: FakeServer;
let browser: Browser;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  server = new FakeServer();
  browser = new Browser();
  server.rows.set('["g1"]', { id: "g1", title: "A", score: 1, tags: null });
});

function newClient(pace: PaceOptions, page = new FakePage()): Client {
  const environment = browser.tab(server, page);
  return createClient({ url: "https://swain.test", shapes: [{ table: "games" }], environment, ...pace });
}

async function becomes(client: Client, state: string): Promise<void> {
  await vi.waitFor(() => expect(client.status.getSnapshot()).toMatchObject({ state, pending: 0 }));
}

function hellos(): number {
  return server.received.filter(({ hello }) => hello !== undefined).length;
}

function title(client: Client): unknown {
  return client.query("games").getSnapshot()[0]?.title;
}

describe("a device that need not be current at once", () => {
  it("asks when its rows are old enough, and rests in between", async () => {
    spec("C27");
    const client = newClient({ freshnessMs: { games: 60_000 } });
    await client.start();
    await becomes(client, "resting");
    expect([hellos(), server.sessions.size, client.status.getSnapshot().cached]).toEqual([1, 0, false]);

    server.write({ update: { table: "games", key: ["g1"], set: { title: "B" } } });
    browser.clock.advance(59_000);
    expect([hellos(), title(client)]).toEqual([1, "A"]);
    browser.clock.advance(1000);
    await vi.waitFor(() => expect(title(client)).toBe("B"));
    await becomes(client, "resting");
    expect(hellos()).toBe(2);
    await client.close();
  });

  it("asks only when somebody wants it, or edits, when its age has no end", async () => {
    spec("C27");
    const client = newClient({ freshnessMs: Number.POSITIVE_INFINITY });
    await client.start();
    await becomes(client, "resting");
    server.write({ update: { table: "games", key: ["g1"], set: { title: "B" } } });
    browser.clock.advance(24 * 60 * 60 * 1000);
    expect([hellos(), title(client)]).toEqual([1, "A"]);

    await client.sync();
    expect(title(client)).toBe("B");
    await becomes(client, "resting");
    await client.table("games").update("g1", { title: "C" }).synced;
    expect(server.rows.get('["g1"]')?.title).toBe("C");
    await becomes(client, "resting");
    expect(hellos()).toBe(3);
    await client.close();
  });

  it("lets edits wait for each other, never longer than said, and not when one may not wait", async () => {
    spec("C27", "C9");
    const client = newClient({ throttleMs: { games: 30_000 } });
    await client.start();
    await becomes(client, "live");
    const games = client.table("games");
    await games.update("g1", { score: 2 }).saved;
    browser.clock.advance(20_000);
    await games.update("g1", { score: 3 }).saved;
    expect(server.received.some(({ push }) => push !== undefined)).toBe(false);
    browser.clock.advance(10_000);
    await becomes(client, "live");
    const pushes = server.received.flatMap(({ push }) => (push === undefined ? [] : [push.mutations as unknown[]]));
    expect(pushes.map((mutations) => mutations.length)).toEqual([2]);

    await games.update("g1", { score: 4 }).saved;
    await client.sync();
    expect(server.rows.get('["g1"]')?.score).toBe(4);
    await client.close();
  });

  it("ends its connection when it is hidden for a while, not when another tab is seen, and comes back", async () => {
    spec("C27");
    const [page, otherPage] = [new FakePage(), new FakePage()];
    const client = newClient({ whileHidden: "resting" }, page);
    await client.start();
    await becomes(client, "live");
    const other = newClient({ whileHidden: "resting" }, otherPage);
    await other.start();
    page.visible = false;
    page.fire("hidden");
    await vi.waitFor(() => expect(other.status.getSnapshot().state).toBe("live"));
    browser.clock.advance(31_000);
    await becomes(client, "live");

    otherPage.visible = false;
    otherPage.fire("hidden");
    await vi.waitFor(() => {
      browser.clock.advance(10_000);
      expect(client.status.getSnapshot().state).toBe("resting");
    });
    server.write({ update: { table: "games", key: ["g1"], set: { title: "B" } } });
    await client.table("games").update("g1", { score: 9 }).synced;
    await becomes(client, "resting");
    page.visible = true;
    page.fire("wake");
    await becomes(client, "live");
    expect(title(client)).toBe("B");
    await Promise.all([client.close(), other.close()]);
  });
});
