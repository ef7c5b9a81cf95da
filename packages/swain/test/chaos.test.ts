import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { describe, expect, it, vi } from "vitest";
import { type Client, createClient } from "../src/index";
import { Browser, FakePage } from "./fake-page";
import { FakeServer } from "./fake-server";
import { spec } from "./spec";

/**
 * Two tabs and a second device edit while connections are cut, messages between tabs get lost and tabs come and go.
 * `inc` shows each edit that is lost or applied twice.
 */
describe.each([
  [1, undefined],
  [2, undefined],
  [3, ["websocket"]],
  [4, ["websocket"]],
  [5, ["sse"]],
  [6, ["sse"]],
  [7, ["poll"]],
  [8, ["poll"]],
] as const)("whatever happens, seed %i, over %s", (seed, transports) => {
  it("every edit is applied exactly once and all devices end the same", { timeout: 20_000 }, async () => {
    spec("C1", "C4", "C9", "C14", "C17", "P14");
    globalThis.indexedDB = new IDBFactory();
    const random = generator(seed);
    const server = new FakeServer();
    server.rows.set('["g1"]', { id: "g1", title: "A", score: 0, tags: null });
    const [shared, alone] = [new Browser(), new Browser()];
    shared.channels.lose = () => random() < 0.1;
    const open = async (browser: Browser, memory: boolean): Promise<Client> => {
      const environment = browser.tab(server, new FakePage());
      // Ids of two browsers must differ.
      const uuid = memory ? () => `m-${environment.uuid()}` : () => environment.uuid();
      const one = {
        url: "https://swain.test",
        shapes: [{ table: "games" }],
        ...(transports === undefined ? {} : { transports }),
        memory,
        environment: { ...environment, uuid },
      };
      const client = createClient(one);
      await client.start();
      await vi.waitFor(() => expect(client.table("games").get("g1")).toBeDefined(), { timeout: 5000 });
      return client;
    };
    const clients = [await open(shared, false), await open(shared, false), await open(alone, true)];

    let edits = 0;
    for (let step = 0; step < 60; step += 1) {
      const at = Math.floor(random() * clients.length);
      const client = clients[at];
      const what = random();
      if (client === undefined) continue;
      if (what < 0.6) {
        const { saved } = client.table("games").update("g1", { inc: { score: 1 } });
        edits += 1;
        if (random() < 0.5) await saved;
      } else if (what < 0.75) {
        server.cut();
        for (const browser of [shared, alone]) browser.clock.advance(1000);
      } else if (what < 0.8) {
        server.isReachable = !server.isReachable;
      } else if (what < 0.85 && at < 2 && server.isReachable) {
        await client.close();
        clients[at] = await open(shared, false);
      } else {
        // sleep: a fault: what is under way gets this far, or not.
        await new Promise((resolve) => setTimeout(resolve, random() * 4));
      }
    }

    server.isReachable = true;
    shared.channels.lose = () => false;
    await vi.waitFor(
      () => {
        for (const browser of [shared, alone]) browser.clock.advance(2000);
        expect(server.rows.get('["g1"]')?.score).toBe(edits);
        for (const client of clients) expect(client.table("games").get("g1")?.score).toBe(edits);
        for (const client of clients) expect(client.status.getSnapshot().pending).toBe(0);
      },
      { timeout: 10_000, interval: 20 },
    );
    await Promise.all(clients.map((client) => client.close()));
  });
});

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) / 0x80_0000;
  };
}
