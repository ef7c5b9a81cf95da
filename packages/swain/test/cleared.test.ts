import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Client, createClient } from "../src/index";
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

function newClient(): Client {
  return createClient({
    url: "https://swain.test",
    shapes: [{ table: "games" }],
    environment: browser.tab(server, new FakePage()),
  });
}

async function live(client: Client): Promise<Client> {
  await client.start();
  await vi.waitFor(() => {
    browser.clock.advance(1000);
    expect(client.status.getSnapshot()).toMatchObject({ state: "live", pending: 0 });
  });
  return client;
}

/** What a browser does that needs room, and a person who clears the site's data. */
async function clearStorage(): Promise<void> {
  for (const { name } of await indexedDB.databases()) {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name ?? "");
      request.onsuccess = () => resolve();
      request.onerror = () => reject(request.error);
    });
  }
}

describe("a store that is cleared under an open page", () => {
  it("is filled again from memory: no row and no edit is missing after a restart offline", async () => {
    spec("C26");
    const client = await live(newClient());
    server.isReachable = false;
    server.cut();
    await client.table("games").update("g1", { title: "before" }).saved;
    await clearStorage();
    await client.table("games").insert({ id: "g2", title: "after" }).saved;
    await client.close();

    const again = newClient();
    await again.start();
    const titles = again.query("games").getSnapshot();
    expect(titles.map((row) => row.title)).toEqual(["before", "after"]);
    server.isReachable = true;
    await live(again);
    expect([...server.rows.values()].map((row) => row.title)).toEqual(["before", "after"]);
    await again.close();
  });

  it("does not count an edit twice that was on its way", async () => {
    spec("C26", "P14");
    const client = await live(newClient());
    const other = await live(newClient());
    server.holdsPushes = true;
    const mutation = client.table("games").update("g1", { inc: { score: 10 } });
    await mutation.saved;
    await vi.waitFor(() => expect(server.received.some(({ push }) => push !== undefined)).toBe(true));
    await clearStorage();
    const second = other.table("games").update("g1", { inc: { score: 100 } });
    await second.saved;
    server.release();

    await Promise.all([
      vi.waitFor(() => {
        browser.clock.advance(1000);
        expect(client.status.getSnapshot()).toMatchObject({ state: "live", pending: 0 });
      }),
      mutation.synced,
      second.synced,
    ]);
    expect(server.rows.get('["g1"]')?.score).toBe(111);
    await vi.waitFor(() => expect(other.table("games").get("g1")).toMatchObject({ score: 111 }));
    expect(new Set(server.ledgers.keys()).size).toBe(1);
    await Promise.all([client.close(), other.close()]);
  });
});
