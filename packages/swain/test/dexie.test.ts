import "fake-indexeddb/auto";
import { Dexie, type EntityTable, liveQuery } from "dexie";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clientOf, type DexieSyncOptions, swain } from "../src/dexie/dexie";
import { Browser, FakePage } from "./fake-page";
import { FakeServer, SERIAL } from "./fake-server";

interface Game {
  id: number;
  title: string;
  parent?: number;
  /** The server has no such column. */
  draft?: boolean;
}
type Games = Dexie & { games: EntityTable<Game, "id"> };

let server: FakeServer;
const open: Games[] = [];

beforeEach(() => {
  server = new FakeServer();
  server.schema = SERIAL;
  server.chunk = 100;
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(async () => {
  for (const db of open.splice(0)) {
    await clientOf(db).close();
    db.close();
  }
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Keeps the browser of one person; the database may be opened again in it. */
class Device {
  readonly factory = new IDBFactory();
  readonly browser = new Browser();

  plain(): Games {
    const db = new Dexie("games", { indexedDB: this.factory, IDBKeyRange }) as Games;
    db.version(1).stores({ games: "++id, title, parent" });
    return db;
  }

  async synced(options: DexieSyncOptions = {}): Promise<Games> {
    globalThis.indexedDB = this.factory;
    const environment = this.browser.tab(server, new FakePage());
    const addons = [swain({ url: "https://swain.test", environment, ...options })];
    const db = new Dexie("games", { indexedDB: this.factory, IDBKeyRange, addons }) as Games;
    db.version(1).stores({ games: "++id, title, parent" });
    open.push(db);
    await db.open();
    return db;
  }
}

async function settled(...dbs: readonly Games[]): Promise<void> {
  for (const db of dbs) {
    await vi.waitFor(async () => {
      expect(clientOf(db).status.getSnapshot()).toMatchObject({ state: "live", pending: 0 });
      const games = await db.games.orderBy("id").toArray();
      expect(games.map(({ id, title }) => [id, title])).toEqual(
        [...server.rows.values()].map(({ id, title }) => [id, title]).sort(([a], [b]) => Number(a) - Number(b)),
      );
    });
  }
}

function titles(): readonly unknown[] {
  return [...server.rows.values()].map((row) => row.title).sort();
}

describe("a Dexie database with the add-on", () => {
  it("uploads the rows that were there, once, and what they name stays named", async () => {
    const device = new Device();
    const before = device.plain();
    const parent = await before.games.add({ title: "Parent", draft: true } as Game);
    await before.games.add({ title: "Child", parent } as Game);
    before.close();

    const db = await device.synced();
    await settled(db);
    const byTitle = new Map([...server.rows.values()].map((row) => [row.title, row]));
    expect(byTitle.get("Child")?.parent).toBe(byTitle.get("Parent")?.id);
    expect(await db.games.where("title").equals("Parent").first()).toMatchObject({ draft: true });

    await clientOf(db).close();
    db.close();
    const again = await device.synced();
    await settled(again);
    expect(titles()).toEqual(["Child", "Parent"]);
  });

  it("gives rows of two devices that counted alike ids of their own, and both get all", async () => {
    const [ada, ben] = [new Device(), new Device()];
    for (const [device, title] of [
      [ada, "of Ada"],
      [ben, "of Ben"],
    ] as const) {
      const plain = device.plain();
      expect(await plain.games.add({ title } as Game)).toBe(1);
      plain.close();
    }
    const [one, other] = [await ada.synced(), await ben.synced()];
    await settled(one, other);
    expect(titles()).toEqual(["of Ada", "of Ben"]);
  });

  it("uploads what a sign-in finds to the store of whoever signed in, not to the visitor's", async () => {
    const device = new Device();
    const plain = device.plain();
    await plain.games.add({ title: "Mine" } as Game);
    plain.close();
    let turn = (): void => undefined;
    const waiting = new Promise<void>((resolve) => {
      turn = resolve;
    });
    const request = (_name: string, work: () => Promise<void>): Promise<void> => waiting.then(work);
    vi.stubGlobal("navigator", { locks: { request } });
    const db = await device.synced({ signedIn: true });
    const client = clientOf(db);
    await client.fresh();
    expect(server.rows.size).toBe(0);

    const user = { id: "ann", email: "ann", name: null, role: "user" };
    const now = 1_700_000_005_000;
    server.auth = () => ({ status: 200, body: { user, access: "jwt", expires: now + 600_000, now } });
    // In this moment the visitor's store is still open, and the upload that waited for its turn has it.
    const stop = client.auth.subscribe(() => {
      void db.games.add({ title: "At once" } as Game);
      turn();
    });
    await client.auth.login({ email: "ann", password: "right" });
    stop();
    await settled(db);
    expect(titles()).toEqual(["At once", "Mine"]);
  });

  it("goes on offline: a new id works everywhere, before and after the server gives the real one", async () => {
    const device = new Device();
    const db = await device.synced();
    await settled(db);
    server.isReachable = false;
    server.cut();
    const id = await db.games.add({ title: "Offline" } as Game);
    expect(id).toBeLessThan(0);
    await db.games.add({ title: "Child", parent: id } as Game);
    await db.games.update(id, { title: "Renamed" });
    await clientOf(db).close();
    db.close();

    const again = await device.synced();
    expect(await again.games.get(id)).toMatchObject({ title: "Renamed" });
    server.isReachable = true;
    await vi.waitFor(() => {
      device.browser.clock.advance(1000);
      expect(titles()).toEqual(["Child", "Renamed"]);
    });
    await settled(again);
    expect(await again.games.get(id)).toMatchObject({ title: "Renamed" });
    expect(await again.games.where("parent").equals(id).count()).toBe(1);
    await again.games.update(id, { title: "By its first id" });
    await settled(again);
    expect(titles()).toEqual(["By its first id", "Child"]);
  });

  it("sends one transaction as one mutation, nothing of one that failed, and follows what others do", async () => {
    const db = await new Device().synced();
    await settled(db);
    const ids = await db.transaction("rw", db.games, () =>
      db.games.bulkAdd([{ title: "A" }, { title: "B" }] as Game[], { allKeys: true }),
    );
    await settled(db);
    const pushes = server.received.flatMap(({ push }) => (push?.mutations ?? []) as unknown as { ops: unknown[] }[]);
    expect(pushes.map(({ ops }) => ops.length)).toEqual([2]);

    const failing = db.transaction("rw", db.games, async () => {
      await db.games.add({ title: "never" } as Game);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    await db.games.where("title").equals("B").modify({ title: "BB" });
    await db.games.delete(ids[0] ?? 0);
    await settled(db);
    expect(titles()).toEqual(["BB"]);

    const seen = vi.fn();
    const watching = liveQuery(() => db.games.toArray()).subscribe(seen);
    const [row] = server.rows.values();
    server.write({ update: { table: "games", key: [row?.id ?? 0], set: { title: "theirs" } } });
    await vi.waitFor(() => expect(seen.mock.lastCall?.[0]).toMatchObject([{ title: "theirs" }]));
    watching.unsubscribe();
  });

  it("takes back what the server refuses, and tells what the client cannot take", async () => {
    const refused = vi.fn();
    const db = await new Device().synced({ onRefused: refused });
    await settled(db);
    server.refuse = () => "not_allowed";
    await db.games.add({ title: "bad" } as Game);
    await vi.waitFor(async () => expect(await db.games.count()).toBe(0));
    expect(clientOf(db).refused.getSnapshot()).toMatchObject([{ code: "not_allowed" }]);

    server.refuse = () => null;
    await db.games.add({ title: 5 } as unknown as Game);
    await vi.waitFor(() => expect(refused).toHaveBeenCalledTimes(1));
    expect(refused.mock.calls[0]?.[0]).toMatchObject({ error: { code: "wrong_type" } });
    await db.games.add({ title: "good" } as Game);
    await settled(db);
    expect(titles()).toEqual(["good"]);
  });
});
