// @vitest-environment happy-dom
import "fake-indexeddb/auto";
import { meet } from "guide:presence/app.js";
import { People } from "guide:presence/people.tsx";
import { IDBFactory } from "fake-indexeddb";
import { createElement, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SwainPresence } from "../src/components/presence";
import { type Client, createClient } from "../src/index";
import { joinRoom, type Other, type Room } from "../src/presence/presence";
import { SwainProvider, usePresence } from "../src/react/react";
import { Browser, FakePage } from "./fake-page";
import { FakeServer, SERIAL } from "./fake-server";
import { spec } from "./spec";

let server: FakeServer;
const clients: Client[] = [];

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  server = new FakeServer();
  server.rows.set('["g1"]', { id: "g1", title: "A", score: 1, tags: null });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  document.body.replaceChildren();
});

/** A tab; of a browser of its own, if it is not given one. */
async function open(browser?: Browser, more: Partial<Parameters<typeof createClient>[0]> = {}): Promise<Client> {
  const environment = (browser ?? new Browser()).tab(server, new FakePage());
  const shapes = [{ table: "games" }];
  const memory = browser === undefined;
  const client = createClient({ url: "https://swain.test", shapes, environment, memory, ...more });
  clients.push(client);
  await client.start();
  await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("live"));
  return client;
}

const states = (room: Room): readonly unknown[] =>
  room.others.getSnapshot().map(({ state, row }) => ({ ...state, row }));

async function sees(room: Room, expected: readonly unknown[]): Promise<void> {
  await vi.waitFor(() => expect(states(room)).toEqual(expected));
}

describe("a room", () => {
  it("shows who comes, on which row and with what, and who leaves", async () => {
    spec("P28");
    const [ada, ben] = [await open(), await open()];
    const hers = joinRoom(ada, "games", { club: 7 });
    hers.set({ row: "g1", cursor: { x: 3 } });
    const his = joinRoom(ben, "games", { club: 7 });
    const elsewhere = joinRoom(ben, "games", { club: 8 });

    await sees(his, [{ row: ["g1"], cursor: { x: 3 } }]);
    await sees(hers, [{ row: null }]);
    expect(states(elsewhere)).toEqual([]);
    const rooms = server.received.map(({ presence }) => presence?.room);
    expect(rooms).toContainEqual({ table: "games", where: { eq: ["club", 8] } });
    his.leave();
    his.leave();

    await sees(hers, []);
    expect(states(his)).toEqual([]);
  });

  it("is one for all who join it in a tab, until the last of them leaves", async () => {
    const [ada, ben] = [await open(), await open()];
    const rooms = [joinRoom(ben, "games"), joinRoom(ben, "games")];
    const hers = joinRoom(ada, "games");
    await sees(hers, [{ row: null }]);
    rooms[0]?.leave();
    rooms[1]?.set({ is: "there" });
    await sees(hers, [{ row: null, is: "there" }]);
    rooms[1]?.leave();
    await sees(hers, []);
  });

  it("tells at most every 50 ms, and the latest", async () => {
    spec("P28");
    const [ada, ben] = [await open(), await open()];
    const [hers, his] = [joinRoom(ada, "games"), joinRoom(ben, "games")];
    await sees(hers, [{ row: null }]);
    const before = server.received.length;
    for (let x = 0; x < 100; x += 1) his.set({ x });
    await sees(hers, [{ row: null, x: 99 }]);
    expect(server.received.length - before).toBeLessThanOrEqual(2);
  });

  it("takes 2 kB and not a byte more", async () => {
    spec("P28", "P16");
    const room = joinRoom(await open(), "games");
    const state = (bytes: number): { x: string } => ({ x: "x".repeat(bytes - '{"x":""}null'.length) });
    room.set(state(2048));
    expect(() => room.set(state(2049))).toThrow("2049 bytes");
  });

  it("says why it is not entered, and nothing of who is there", async () => {
    spec("R18");
    const [ada, ben] = [await open(), await open()];
    const hers = joinRoom(ada, "games");
    joinRoom(ben, "games");
    await sees(hers, [{ row: null }]);
    server.rooms.refuse = () => "not_allowed";
    hers.set({ x: 1 });
    await vi.waitFor(() => expect(hers.problem.getSnapshot()).toBe("not_allowed"));
    expect(states(hers)).toEqual([]);
  });

  it("is empty without a connection, and entered again with the next one", async () => {
    spec("P28");
    const [ada, ben] = [await open(undefined, { firstDelayMs: 1 }), await open()];
    const [hers, his] = [joinRoom(ada, "games"), joinRoom(ben, "games")];
    hers.set({ is: "ada" });
    await sees(his, [{ row: null, is: "ada" }]);
    ada.pause();
    await sees(hers, []);
    await sees(his, []);
    hers.set({ is: "back" });
    ada.resume();
    await sees(hers, [{ row: null }]);
    await sees(his, [{ row: null, is: "back" }]);
  });

  it("knows a row by the id that the server gave it, as soon as it did", async () => {
    server.schema = SERIAL;
    const [ada, ben] = [await open(), await open()];
    const [hers, his] = [joinRoom(ada, "games"), joinRoom(ben, "games")];
    server.holdsPushes = true;
    const { key } = ada.table("games").insert({ title: "new" });
    hers.set({ row: key as number });
    await sees(his, [{ row: [key] }]);
    server.release();
    await sees(his, [{ row: [41] }]);
  });
});

describe("tabs of one browser", () => {
  it("are each somewhere, by one connection, and each answers when it is asked", async () => {
    spec("P28", "C14");
    const browser = new Browser();
    const [leader, follower, other] = [await open(browser), await open(browser), await open()];
    const [one, two, his] = [joinRoom(leader, "games"), joinRoom(follower, "games"), joinRoom(other, "games")];
    one.set({ is: "one" });
    two.set({ is: "two" });

    await vi.waitFor(() =>
      expect(
        states(his)
          .map((state) => (state as { is: string }).is)
          .sort(),
      ).toEqual(["one", "two"]),
    );
    await sees(two, [{ row: null, is: "one" }, { row: null }]);
    expect(server.sessions.size).toBe(2);
    const before = server.received.length;
    server.rooms.ask();
    await vi.waitFor(() => expect(server.received.length - before).toBe(3));
    for (const { presence } of server.received.slice(before)) expect(Object.keys(presence ?? {})).toEqual(["tab"]);
    await follower.close();
    window.dispatchEvent(new Event("pagehide"));
  });

  it("say that they leave when the page does, and where they are when they are asked after all", async () => {
    const [ada, ben] = [await open(), await open()];
    const [hers, his] = [joinRoom(ada, "games"), joinRoom(ben, "games")];
    his.set({ is: "there" });
    await sees(hers, [{ row: null, is: "there" }]);
    const before = server.received.length;
    window.dispatchEvent(new Event("pagehide"));
    await vi.waitFor(() => expect(server.received.length - before).toBe(2));
    expect(server.received.slice(before).map(({ presence }) => presence?.leave)).toEqual([true, true]);
    for (const session of server.sessions) session.send({ presence: { ask: true } });
    await vi.waitFor(() => expect(server.received.length - before).toBe(6));
    await sees(hers, [{ row: null, is: "there" }]);
  });
});

it("goes up in batches beside events", async () => {
  spec("P22", "P28");
  const [ada, ben] = [await open(undefined, { transports: ["sse"] }), await open()];
  const [hers, his] = [joinRoom(ada, "games"), joinRoom(ben, "games")];
  hers.set({ is: "ada" });
  await sees(his, [{ row: null, is: "ada" }]);
  await sees(hers, [{ row: null }]);
  expect(server.http.asked.filter(({ path }) => path === "batch").length).toBeGreaterThan(0);
});

describe("the guide", () => {
  it("has a page that tells its cursor and draws the others", async () => {
    const [ada, ben] = [await open(), await open()];
    const drawn: unknown[] = [];
    const hers = meet(ada, (others) => drawn.push(others.map(({ row, state }) => ({ row, ...state }))));
    const his = joinRoom(ben, "tasks", { project: 7 });
    his.set({ is: "ben" });
    await vi.waitFor(() => expect(drawn.at(-1)).toEqual([{ row: null, is: "ben" }]));
    window.dispatchEvent(new MouseEvent("pointermove", { clientX: 3, clientY: 4 }));
    await sees(his, [{ row: ["t1"], cursor: [3, 4] }]);
    hers.leave();
  });

  it("has a component that shows who is here and says on which row it is", async () => {
    const [ada, ben] = [await open(), await open()];
    const his = joinRoom(ben, "games");
    const root = createRoot(document.body);
    root.render(createElement(SwainProvider, { client: ada }, createElement(People)));
    await vi.waitFor(() => expect(document.querySelector("li")?.textContent).toMatch(/^User \d+$/));
    document.querySelector("button")?.click();
    await sees(his, [{ row: ["g1"] }]);
    root.unmount();
  });
});

describe("on a page", () => {
  function Page({ mine }: { readonly mine?: { readonly is: string } }): ReactNode {
    const others = usePresence("games", {}, mine);
    return createElement("p", null, others.map((other) => `${other.name} ${String(other.state.is)}`).join());
  }

  it("a hook is in the room as long as its component is shown", async () => {
    spec("P28");
    const [ada, ben] = [await open(), await open()];
    const his = joinRoom(ben, "games");
    const root = createRoot(document.body);
    const show = (is: string): void =>
      root.render(createElement(SwainProvider, { client: ada }, createElement(Page, { mine: { is } })));
    show("one");
    await sees(his, [{ row: null, is: "one" }]);
    his.set({ is: "ben" });
    await vi.waitFor(() => expect(document.body.textContent).toMatch(/^User \d+ ben$/));
    show("two");
    await sees(his, [{ row: null, is: "two" }]);
    root.unmount();
    await sees(his, []);
  });

  it("an element shows initials and reads out who comes and goes", async () => {
    await import("../src/components/components");
    const [ada, ben] = [await open(), await open()];
    const element = document.createElement("swain-presence") as SwainPresence;
    const hers = joinRoom(ada, "games");
    element.room = hers;
    element.describe = ({ state }: Other) => String(state.is ?? "Somebody");
    document.body.append(element);
    const text = (selector: string): string => element.shadowRoot?.querySelector(selector)?.textContent ?? "";
    expect(element.shadowRoot?.querySelector("ul")?.hidden).toBe(true);

    const his = joinRoom(ben, "games");
    his.set({ is: "Ben <b>Okri" });
    await vi.waitFor(() => expect(text("li")).toBe("B<Ben <b>Okri"));
    expect(text("[role=status]")).toContain("is here.");
    const [shown] = element.shadowRoot?.querySelectorAll("li") ?? [];
    his.set({ is: "Ben <b>Okri", cursor: 1 });
    await sees(hers, [{ row: null, is: "Ben <b>Okri", cursor: 1 }]);
    expect(element.shadowRoot?.querySelector("li")).toBe(shown);
    his.leave();
    await vi.waitFor(() => expect(text("[role=status]")).toBe("Ben <b>Okri has left."));
    expect(element.shadowRoot?.querySelector("ul")?.hidden).toBe(true);
  });
});
