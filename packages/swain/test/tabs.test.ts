import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Client, createClient, type Environment } from "../src/index";
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

async function openTab(extra: Partial<Environment> = {}, page = new FakePage()): Promise<Client> {
  const environment = { ...browser.tab(server, page), ...extra };
  const client = createClient({ url: "https://swain.test", shapes: [{ table: "games" }], environment });
  await client.start();
  return client;
}

async function becomes(client: Client, state: string): Promise<void> {
  await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe(state));
}

function title(client: Client): unknown {
  return client.table("games").get("g1")?.title;
}

describe("two tabs of one store", () => {
  it("have one connection; the follower hears frames and its edits are pushed by the leader", async () => {
    spec("C14");
    const leader = await openTab();
    await becomes(leader, "live");
    const follower = await openTab();
    await becomes(follower, "live");
    expect([leader, follower].map((tab) => tab.status.getSnapshot().leader)).toEqual([true, false]);
    expect(server.sessions.size).toBe(1);
    expect(title(follower)).toBe("A");

    server.write({ update: { table: "games", key: ["g1"], set: { title: "S" } } });
    await vi.waitFor(() => expect(title(follower)).toBe("S"));
    expect(title(leader)).toBe("S");

    server.holdsPushes = true;
    const mutation = follower.table("games").update("g1", { title: "F" });
    await mutation.saved;
    await vi.waitFor(() => expect(title(leader)).toBe("F"));
    expect(leader.status.getSnapshot().pending).toBe(1);
    server.release();
    expect(await mutation.synced).toMatchObject({ n: 1, status: "applied" });
    await vi.waitFor(() => expect(leader.status.getSnapshot().pending).toBe(0));
    await follower.sync();
    await Promise.all([leader.close(), follower.close()]);
  });

  it("never give out the same n", async () => {
    spec("C14", "P14");
    const [one, two] = [await openTab(), await openTab()];
    await becomes(two, "live");
    const mutations = [...Array(10).keys()].flatMap((i) => [
      one.table("games").insert({ id: `one-${i}` }),
      two.table("games").insert({ id: `two-${i}` }),
    ]);
    await Promise.all(mutations.map((mutation) => mutation.saved));
    const numbers = mutations.map((mutation) => mutation.n ?? 0).sort((a, b) => a - b);
    expect(numbers).toEqual([...Array(20).keys()].map((i) => i + 1));
    await Promise.all(mutations.map((mutation) => mutation.synced));
    expect(server.rows.size).toBe(21);
    const rows = [one, two].map((tab) =>
      tab
        .query("games")
        .getSnapshot()
        .map((row) => row.id),
    );
    await vi.waitFor(() => expect(two.query("games").getSnapshot()).toHaveLength(21));
    expect(rows[0]).toHaveLength(21);
    await Promise.all([one.close(), two.close()]);
  });

  it("go on with the other one when the leader closes", async () => {
    spec("C14");
    const leader = await openTab();
    await becomes(leader, "live");
    const follower = await openTab();
    await becomes(follower, "live");
    server.isReachable = false;
    server.cut();
    await becomes(follower, "offline");
    const mutation = follower.table("games").update("g1", { title: "later" });
    await mutation.saved;
    server.isReachable = true;
    await leader.close();
    await mutation.synced;
    expect(follower.status.getSnapshot().leader).toBe(true);
    expect(server.rows.get('["g1"]')?.title).toBe("later");
    await follower.close();
  });

  it("read storage again when a message is missing", async () => {
    spec("C14");
    const leader = await openTab();
    await becomes(leader, "live");
    const follower = await openTab();
    await becomes(follower, "live");
    let lost = 0;
    browser.channels.lose = (message) => {
      const isFirst = lost === 0 && (message as { kind: string }).kind === "batch";
      if (isFirst) lost += 1;
      return isFirst;
    };
    server.write({ insert: { table: "games", key: ["g2"], set: { title: "lost" } } });
    await vi.waitFor(() => expect(lost).toBe(1));
    expect(follower.table("games").get("g2")).toBeUndefined();
    server.write({ update: { table: "games", key: ["g1"], set: { title: "next" } } });
    await vi.waitFor(() => expect(title(follower)).toBe("next"));
    expect(follower.table("games").get("g2")?.title).toBe("lost");
    await Promise.all([leader.close(), follower.close()]);
  });

  it("fence a frozen leader whose lock was taken", async () => {
    spec("C14");
    const frozen = await openTab();
    await becomes(frozen, "live");
    const follower = await openTab();
    await becomes(follower, "live");
    // A frozen tab neither hears nor answers; its socket lives until the server closes it.
    browser.channels.lose = () => true;
    for (let i = 0; i < 4; i += 1) browser.clock.advance(10_000);
    await vi.waitFor(() => expect(follower.status.getSnapshot().leader).toBe(true));
    browser.channels.lose = () => false;
    await becomes(follower, "live");
    expect(frozen.status.getSnapshot().leader).toBe(false);
    server.write({ update: { table: "games", key: ["g1"], set: { title: "after" } } });
    await vi.waitFor(() => expect(title(follower)).toBe("after"));
    await Promise.all([frozen.close(), follower.close()]);
  });

  it("run alone and in memory without locks", async () => {
    spec("C14");
    const alone = await openTab({ locks: null });
    await becomes(alone, "live");
    expect(alone.status.getSnapshot()).toMatchObject({ persistent: false, leader: true });
    await alone.table("games").update("g1", { title: "memory" }).synced;
    await alone.close();
    server.isReachable = false;
    const again = await openTab({ locks: null });
    expect(again.query("games").getSnapshot()).toEqual([]);
    await again.close();
  });

  it("let go of everything when the page goes into the cache, and come back", async () => {
    spec("C8");
    const page = new FakePage();
    const client = await openTab({}, page);
    await becomes(client, "live");
    page.fire("hide");
    await vi.waitFor(() => expect(server.sessions.size).toBe(0));
    const other = await openTab();
    await becomes(other, "live");
    await other.table("games").update("g1", { title: "meanwhile" }).synced;
    await other.close();
    page.fire("restore");
    await vi.waitFor(() => expect(title(client)).toBe("meanwhile"));
    await becomes(client, "live");
    await client.close();
  });
});

describe("a device that is told that it was cloned", () => {
  it("takes a new id in every tab and sends what waits", async () => {
    spec("C10", "P14");
    const leader = await openTab();
    await becomes(leader, "live");
    const follower = await openTab();
    await becomes(follower, "live");
    await leader.table("games").update("g1", { inc: { score: 1 } }).synced;
    const [device = ""] = server.ledgers.keys();
    // The same profile on another machine has used the numbers.
    server.ledger(device).last = 7;
    server.isReachable = false;
    server.cut();
    await becomes(follower, "offline");
    const edits = [leader, follower].map((tab) => tab.table("games").update("g1", { inc: { score: 10 } }));
    await Promise.all(edits.map((edit) => edit.saved));
    server.isReachable = true;
    await leader.sync();
    expect(await Promise.all(edits.map((edit) => edit.synced))).toMatchObject([
      { status: "applied" },
      { status: "applied" },
    ]);
    expect(server.rows.get('["g1"]')?.score).toBe(22);
    expect(server.ledgers.size).toBe(2);
    await Promise.all([leader.close(), follower.close()]);
  });
});
