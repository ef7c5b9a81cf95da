// @vitest-environment happy-dom
import "fake-indexeddb/auto";
import { App } from "guide:frameworks/react.tsx";
import { swainStore } from "guide:frameworks/svelte.ts";
import { useSwain } from "guide:frameworks/vue.ts";
import { gamesStore } from "guide:frameworks/zustand.ts";
import { IDBFactory } from "fake-indexeddb";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { get } from "svelte/store";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp, h } from "vue";
import { type Client, createClient } from "../src/index";
import { Browser, FakePage } from "./fake-page";
import { FakeServer } from "./fake-server";

let server: FakeServer;
let client: Client;

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  server = new FakeServer();
  server.rows.set('["g1"]', { id: "g1", title: "A", score: 1, tags: null });
  server.rows.set('["g2"]', { id: "g2", title: "B", score: 2, tags: null });
  client = createClient({
    url: "https://swain.test",
    shapes: [{ table: "games" }],
    environment: new Browser().tab(server, new FakePage()),
  });
  document.body.replaceChildren();
});
afterEach(() => client.close());

async function live(): Promise<void> {
  await client.start();
  await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("live"));
}

it("React: the page follows the rows, and a refused edit says why", async () => {
  const root = createRoot(document.body);
  root.render(createElement(App, { client }));
  const texts = (): readonly (string | undefined)[] =>
    [...document.querySelectorAll("button")].map((button) => button.textContent?.trim());
  await vi.waitFor(() => expect(texts()).toEqual(["A 1", "B 2"]));

  document.querySelector("button")?.click();
  await vi.waitFor(() => expect(texts()).toEqual(["A 2", "B 2"]));
  await vi.waitFor(() => expect(document.querySelector("button")?.dataset.kind).toBe("synced"));
  server.refuse = () => "check_failed";
  document.querySelector("button")?.click();
  await vi.waitFor(() => expect(texts()[0]).toMatch(/^A 2 SwainError: .*check_failed/));
  expect(document.querySelector("main")?.dataset).toMatchObject({ state: "live", pending: "0" });
  root.unmount();
});

it("Vue: a component follows, until it is gone", async () => {
  await live();
  const query = client.query("games");
  const app = createApp({
    setup() {
      // biome-ignore lint/correctness/useHookAtTopLevel: Vue's, not React's.
      const games = useSwain(query);
      return () => h("p", games.value.map((game) => game.title).join());
    },
  });
  const element = document.createElement("div");
  app.mount(element);
  expect(element.textContent).toBe("A,B");
  client.table("games").update("g1", { title: "AA" });
  await vi.waitFor(() => expect(element.textContent).toBe("AA,B"));
  app.unmount();
});

it("Svelte: a store follows while somebody looks", async () => {
  await live();
  const count = swainStore(client.count("games"));
  const seen: number[] = [];
  const stop = count.subscribe((value) => seen.push(value));
  client.table("games").insert({ id: "g3", title: "C" });
  stop();
  client.table("games").delete("g1");
  expect(seen).toEqual([2, 3]);
  expect(get(count)).toBe(2);
});

it("Zustand: a store follows until it is stopped", async () => {
  await live();
  const { store, stop } = gamesStore(client.query("games", { where: { title: "C" } }));
  expect(store.getState().games).toEqual([]);
  client.table("games").insert({ id: "g3", title: "C" });
  expect(store.getState().games).toHaveLength(1);
  stop();
  client.table("games").delete("g3");
  expect(store.getState().games).toHaveLength(1);
});
