import "fake-indexeddb/auto";
import { IDBFactory, IDBObjectStore, IDBRequest } from "fake-indexeddb";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
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
afterEach(() => vi.restoreAllMocks());

async function live(from = browser, page = new FakePage()): Promise<Client> {
  const { localStorage } = browser;
  const environment = { ...from.tab(server, page), localStorage };
  const client = createClient({ url: "https://swain.test", shapes: [{ table: "games" }], environment });
  await client.start();
  await vi.waitFor(() => expect(client.status.getSnapshot()).toMatchObject({ state: "live", pending: 0 }));
  return client;
}

it("an edit whose write never ends is made by the next page, once", async () => {
  spec("C28");
  const page = new FakePage();
  const client = await live(browser, page);
  // A page that is frozen: its requests get no answer any longer, and the browser gives the transaction up.
  const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => new IDBRequest());
  client.table("games").update("g1", { inc: { score: 10 } });
  await vi.waitFor(() => expect(put).toHaveBeenCalled());
  page.fire("hide");
  put.mockRestore();
  globalThis.indexedDB = new IDBFactory();
  const restarted = new Browser();

  for (const _run of ["first", "second"]) {
    const next = await live(restarted);
    expect(server.rows.get('["g1"]')?.score).toBe(11);
    await next.close();
  }
});

it("an edit whose write ends is not made twice", async () => {
  spec("C28");
  const page = new FakePage();
  const client = await live(browser, page);
  client.table("games").update("g1", { inc: { score: 10 } });
  page.fire("hide");
  await vi.waitFor(() => expect(browser.localStorage.getItem("swain:unsaved:https://swain.test:visitor")).toBeNull());
  const next = await live();
  expect(server.rows.get('["g1"]')?.score).toBe(11);
  await next.close();
});
