import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Change, type Client, createClient, type Operation, type Row, SwainError } from "../src/index";
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
  server.rows.set('["g2"]', { id: "g2", title: "B", score: 2, tags: null });
  server.rows.set('["g3"]', { id: "g3", title: "C", score: 3, tags: null });
});

function newClient(
  from = browser,
  page = new FakePage(),
  extra: Partial<Parameters<typeof createClient>[0]> = {},
): Client {
  return createClient({
    url: "https://swain.test",
    shapes: [{ table: "games" }],
    environment: from.tab(server, page),
    ...extra,
  });
}

async function live(client: Client): Promise<Client> {
  await client.start();
  await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("live"));
  return client;
}

function titles(client: Client): readonly unknown[] {
  return client
    .query("games")
    .getSnapshot()
    .map((row) => row.title);
}

describe("a client alone", () => {
  it("loads, edits and is acknowledged", async () => {
    spec("C2", "C4", "C12");
    const client = await live(newClient());
    expect(titles(client)).toEqual(["A", "B", "C"]);
    expect(client.status.getSnapshot()).toMatchObject({ cached: false, pending: 0, persistent: true, leader: true });

    server.holdsPushes = true;
    const mutation = client.table("games").update("g1", { title: "Z" });
    expect(titles(client)).toEqual(["Z", "B", "C"]);
    expect(client.rowState("games", "g1")).toBe("pending");
    await mutation.saved;
    expect(mutation.n).toBe(1);
    expect(client.status.getSnapshot().pending).toBe(1);

    server.release();
    expect(await mutation.synced).toEqual({ n: 1, status: "applied" });
    expect(client.rowState("games", "g1")).toBe("synced");
    expect(client.status.getSnapshot().pending).toBe(0);
    expect(server.rows.get('["g1"]')?.title).toBe("Z");
    await client.close();
  });

  it("shows a developer what it holds, and each line as it comes", async () => {
    const client = await live(newClient());
    const lines: string[] = [];
    const stop = client.onLine((line) => lines.push(line));
    await client.table("games").update("g1", { title: "Z" }).synced;

    expect(client.inspect()).toMatchObject({
      mark: { pos: 11, epoch: "e1" },
      acked: 1,
      shapes: [{ shape: { table: "games" }, rows: 3, staged: 0 }],
      outbox: [{ n: 1, state: { kind: "acked" } }],
    });
    expect(lines.map((line) => line.slice(0, 8))).toContain('> {"push');
    stop();
    const before = lines.length;
    await client.table("games").update("g1", { title: "Y" }).synced;
    expect(lines).toHaveLength(before);
    await client.close();
  });

  it("shows what it had after a reload without a network, and sends what was edited there", async () => {
    spec("C1", "C2", "C12");
    const first = await live(newClient());
    await first.close();
    server.isReachable = false;

    const offline = newClient();
    await offline.start();
    expect(titles(offline)).toEqual(["A", "B", "C"]);
    expect(offline.status.getSnapshot()).toMatchObject({ cached: true });
    await offline.table("games").insert({ id: "g9", title: "new" }).saved;
    await offline.table("games").delete("g2").saved;
    await offline.close();
    server.isReachable = true;

    const again = await live(newClient());
    await vi.waitFor(() => expect(server.rows.get('["g9"]')?.title).toBe("new"));
    await vi.waitFor(() => expect(again.status.getSnapshot().pending).toBe(0));
    expect(titles(again)).toEqual(["A", "C", "new"]);
    await again.close();
  });

  it("keeps a refused mutation as a dead letter until it is retried or discarded", async () => {
    spec("C15");
    const client = await live(newClient());
    server.refuse = () => "check_failed";
    const bad = client.table("games").update("g1", { score: -1 });
    await expect(bad.synced).rejects.toMatchObject({ code: "check_failed", detail: { table: "games" } });

    expect(client.table("games").get("g1")).toMatchObject({ score: 1 });
    expect(client.refused.getSnapshot()).toMatchObject([
      { n: 1, code: "check_failed", constraint: { table: "games", columns: ["score"], rule: "score >= 0" } },
    ]);
    expect(client.rowState("games", "g1")).toBe("refused");
    expect(client.status.getSnapshot().refused).toBe(1);

    server.refuse = () => null;
    const again = await client.retry(1);
    await again.synced;
    expect(client.table("games").get("g1")).toMatchObject({ score: -1 });
    expect(client.refused.getSnapshot()).toEqual([]);
    await client.close();
  });

  it("says what each edit was based on", async () => {
    spec("M3", "P2");
    const client = await live(newClient());
    server.holdsPushes = true;
    const long = "x".repeat(300);
    const games = client.table("games");
    const first = games.update("g1", { title: "B" });
    const second = games.update("g1", { title: long });
    await games.update("g2", { title: "C", score: 5 }).saved;
    await Promise.all([first.saved, second.saved]);
    server.release();
    await second.synced;
    await games.update("g1", { title: "short" }).synced;

    const pushed = server.received.flatMap(
      (message) => (message.push?.mutations ?? []) as unknown as { ops: Operation[] }[],
    );
    const was = pushed.map(
      ({ ops: [operation] }) => operation !== undefined && "update" in operation && operation.update.was,
    );
    expect(was[0]).toEqual({ title: { value: "A" } });
    expect(was[1]).toEqual({ title: { after: 1, value: "B" } });
    expect(was[2]).toEqual({ title: { value: "B" }, score: { value: 2 } });
    expect(was[3]).toEqual({ title: { hash: expect.stringMatching(/^[0-9a-f]{16}$/) } });
    await client.close();
  });

  it("makes a group one mutation, or nothing at all", async () => {
    spec("M1");
    const client = await live(newClient());
    const games = client.table("games");
    const group = client.group(() => {
      games.update("g1", { inc: { score: 10 } });
      games.insert({ id: "g7", title: "in group" });
      expect(games.get("g1")).toMatchObject({ score: 11 });
    });
    await group.synced;
    expect(server.received.filter((message) => message.push !== undefined)).toHaveLength(1);
    expect(() =>
      client.group(() => {
        games.update("g1", { title: "never" });
        games.update("gone", { title: "x" });
      }),
    ).toThrow(SwainError);
    expect(games.get("g1")).toMatchObject({ title: "A", score: 11 });
    await client.close();
  });

  it("keeps snapshots and rows that did not change", async () => {
    const client = await live(newClient());
    const query = client.query("games", { where: { title: "A" } });
    const all = client.query("games", { orderBy: [["score", "desc"]], limit: 2 });
    const calls = vi.fn();
    query.subscribe(calls);
    const [before, allBefore] = [query.getSnapshot(), all.getSnapshot()];
    expect(allBefore.map((row) => row.id)).toEqual(["g3", "g2"]);

    await client.table("games").update("g2", { title: "BB" }).synced;
    expect(query.getSnapshot()).toBe(before);
    expect(calls).not.toHaveBeenCalled();
    expect(all.getSnapshot()).not.toBe(allBefore);
    expect(all.getSnapshot()[0]).toBe(allBefore[0]);
    await client.close();
  });

  it("tells each position once, in order, and local edits", async () => {
    spec("C13");
    const client = await live(newClient());
    const changes: Change[] = [];
    client.onChange((change) => changes.push(change));
    server.write({ update: { table: "games", key: ["g1"], set: { score: 50 } } });
    await vi.waitFor(() => expect(changes).toHaveLength(1));
    server.refuse = () => "no";
    await client
      .table("games")
      .update("g1", { score: 51 })
      .synced.catch(() => undefined);
    const told = changes.map(({ origin, rows }) => [origin, rows.map((row) => [row.before?.score, row.after?.score])]);
    expect(told).toEqual([
      ["server", [[1, 50]]],
      ["local", [[50, 51]]],
      ["server", [[51, 50]]],
    ]);
    const positions = changes.filter((change) => change.origin === "server").map((change) => change.pos ?? 0);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    await client.close();
  });

  it("syncs on demand, or says that it is offline", async () => {
    const client = await live(newClient());
    await client.sync();
    server.isReachable = false;
    server.cut();
    await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("offline"));
    client.table("games").update("g1", { title: "off" });
    await expect(client.sync()).rejects.toMatchObject({ code: "offline" });
    server.isReachable = true;
    await client.sync();
    expect(server.rows.get('["g1"]')?.title).toBe("off");
    client.pause();
    expect(client.status.getSnapshot().state).toBe("offline");
    await expect(client.sync()).rejects.toMatchObject({ code: "offline" });
    client.resume();
    await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("live"));
    await client.close();
  });

  it("gives a missing text key a UUIDv7 and refuses what does not fit", async () => {
    spec("V1", "V5", "M9");
    const client = await live(newClient());
    const games = client.table<Row>("games");
    await games.insert({ title: "keyless" }).synced;
    const made = client.query("games", { where: { title: "keyless" } }).getSnapshot()[0];
    expect(made?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const refusals: [() => unknown, string][] = [
      [() => games.insert({ id: "g1" }), "id_taken"],
      [() => games.update("nobody", { title: "x" }), "row_gone"],
      [() => games.update("g1", { title: 5 }), "wrong_type"],
      [() => games.update("g1", { score: 1.5 }), "wrong_type"],
      [() => games.update("g1", { score: 2 ** 53 }), "number_out_of_range"],
      [() => games.update("g1", { id: "g2" }), "column_readonly"],
      [() => games.update("g1", { nothing: 1 }), "unknown_column"],
      [() => games.update("g1", { title: "a\u0000b" }), "nul_in_text"],
      [() => games.update("g1", { set: { score: 1 }, inc: { score: 1 } }), "column_twice"],
      [() => client.table("none").insert({}), "unknown_table"],
    ];
    for (const [call, code] of refusals) expect(codeOf(call)).toBe(code);
    await client.close();
  });
});

function codeOf(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    return error instanceof SwainError ? error.code : String(error);
  }
}
