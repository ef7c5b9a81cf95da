import "fake-indexeddb/auto";
import { gzipSync } from "node:zlib";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Client, createClient, type TransportKind } from "../src/index";
import { gunzip } from "../src/transport/gunzip";
import type { EventStream } from "../src/transport/sse";
import { type Socket, WebSocketTransport } from "../src/transport/websocket";
import { problem } from "./fake-http";
import { Browser, FakePage } from "./fake-page";
import { FakeServer } from "./fake-server";
import { spec } from "./spec";

type Options = Partial<Parameters<typeof createClient>[0]>;

let server: FakeServer;
let browser: Browser;
let page: FakePage;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  server = new FakeServer();
  browser = new Browser();
  page = new FakePage();
  for (const [i, title] of ["A", "B", "C", "D", "E"].entries()) {
    const id = `g${i + 1}`;
    server.rows.set(`["${id}"]`, { id, title, score: i, tags: null });
  }
});

function newClient(options: Options = {}): Client {
  const { environment, ...rest } = options;
  return createClient({
    url: "https://swain.test",
    shapes: [{ table: "games" }],
    environment: { ...browser.tab(server, page), ...environment },
    ...rest,
  });
}

async function live(client: Client): Promise<Client> {
  await client.start();
  await state(client, "live");
  return client;
}

async function state(client: Client, wanted: string): Promise<void> {
  await vi.waitFor(() => {
    browser.clock.advance(500);
    expect(client.status.getSnapshot().state).toBe(wanted);
  });
}

async function over(client: Client, transport: TransportKind): Promise<void> {
  await vi.waitFor(() => {
    browser.clock.advance(500);
    expect(client.status.getSnapshot()).toMatchObject({ state: "live", transport });
  });
}

async function cut(client: Client): Promise<void> {
  server.cut();
  await vi.waitFor(() => expect(client.status.getSnapshot()).toMatchObject({ state: "offline", transport: null }));
}

function titleOf(client: Client): unknown {
  return client.table("games").get("g1")?.title;
}

function asked(path: string): readonly (typeof server.http.asked)[number][] {
  return server.http.asked.filter((one) => one.path === path);
}

describe.each(["websocket", "sse", "poll"] as const)("%s alone", (kind) => {
  const options: Options = { transports: [kind] };

  it("loads, shows others' changes, and sends edits that are acknowledged", async () => {
    spec("C17", "C18");
    const client = await live(newClient(options));
    expect(client.query("games").getSnapshot()).toHaveLength(5);
    expect(client.status.getSnapshot().transport).toBe(kind);

    server.write({ update: { table: "games", key: ["g1"], set: { title: "other" }, was: {} } });
    await vi.waitFor(() => expect(titleOf(client)).toBe("other"));
    const mutation = client.table("games").update("g1", { title: "mine" });
    expect(await mutation.synced).toEqual({ n: 1, status: "applied" });

    expect(server.rows.get('["g1"]')?.title).toBe("mine");
    await vi.waitFor(() => expect(server.sessions.size).toBe(1));
    await client.close();
  });

  it("sends what was edited without a network, also after a reload", async () => {
    spec("C2", "C18");
    const first = await live(newClient(options));
    server.isReachable = false;
    server.cut();
    await state(first, "offline");
    await first.table("games").update("g1", { inc: { score: 5 } }).saved;
    await first.close();

    const second = newClient(options);
    await second.start();
    expect(second.table("games").get("g1")?.score).toBe(5);
    server.isReachable = true;
    await over(second, kind);

    await vi.waitFor(() => expect(server.rows.get('["g1"]')?.score).toBe(5));
    await vi.waitFor(() => expect(second.status.getSnapshot().pending).toBe(0));
    await second.close();
  });

  it("never falls back, and says when the server does not offer it", async () => {
    spec("C17");
    server.offers = new Set();
    const client = newClient(options);
    await client.start();
    await state(client, "offline");
    const code = kind === "websocket" ? undefined : "transport_off";
    await vi.waitFor(() => expect(client.status.getSnapshot().problem?.code).toBe(code));

    server.offers = new Set(["websocket", "sse", "poll"]);
    await over(client, kind);
    await client.close();
  });
});

describe("picking", () => {
  it("falls to sse where Upgrade is refused, and returns when the proxy is gone", async () => {
    spec("C17");
    server.passes = new Set(["sse", "poll"]);
    const client = newClient();
    await client.start();
    await over(client, "sse");
    server.passes = new Set(["websocket", "sse", "poll"]);

    browser.clock.advance(600_000);
    await over(client, "websocket");
    expect(server.sessions.size).toBe(1);
    await client.close();
  });

  it("falls to poll where events are buffered: no welcome within 5 s", async () => {
    spec("C17");
    server.passes = new Set(["sse", "poll"]);
    server.http.buffers = true;
    const client = newClient();
    await client.start();
    await over(client, "poll");
    expect(asked("events")).toHaveLength(1);
    await client.close();
  });

  it("returns at once when the device goes online, but not with a push in flight", async () => {
    spec("C17");
    server.passes = new Set(["sse"]);
    const client = newClient();
    await client.start();
    await over(client, "sse");
    server.holdsPushes = true;
    const mutation = client.table("games").update("g1", { title: "mine" });
    await vi.waitFor(() => expect(asked("batch")).toHaveLength(1));
    server.passes = new Set(["websocket", "sse", "poll"]);

    page.fire("online");
    browser.clock.advance(1000);
    expect(client.status.getSnapshot().transport).toBe("sse");
    server.release();
    await mutation.synced;

    await over(client, "websocket");
    await client.close();
  });

  it("gives a transport up that is cut three times in a row", async () => {
    spec("C17");
    const client = await live(newClient());
    for (let cuts = 0; cuts < 3; cuts += 1) {
      await over(client, "websocket");
      await cut(client);
    }
    await over(client, "sse");
    await client.close();
  });

  it("leaves out what the server does not offer", async () => {
    spec("C17");
    server.offers = new Set(["poll"]);
    const client = newClient({ transports: ["sse", "poll"] });
    await client.start();
    await over(client, "poll");
    expect(client.status.getSnapshot().problem).toBeNull();
    expect(asked("events")).toHaveLength(1);
    await client.close();
  });

  it("remembers over a reload what it fell back to, until the return time", async () => {
    spec("C17");
    server.passes = new Set(["poll"]);
    const first = newClient();
    await first.start();
    await over(first, "poll");
    await first.close();
    const before = server.http.asked.length;

    const second = await live(newClient());
    expect(second.status.getSnapshot().transport).toBe("poll");
    expect(server.http.asked.slice(before).every(({ path }) => path !== "events")).toBe(true);
    await second.close();

    server.passes = new Set(["websocket"]);
    browser.clock.advance(600_000);
    const third = await live(newClient());
    expect(third.status.getSnapshot().transport).toBe("websocket");
    await third.close();
    expect(browser.localStorage.getItem("swain:transport:https://swain.test")).toBeNull();
  });

  it.each(["null", "{", "[]", '{"kind":"carrier pigeon","until":1700000001000}', '{"kind":"poll","until":1e300}'])(
    "begins at the best when what is remembered is %s",
    async (text) => {
      browser.localStorage.setItem("swain:transport:https://swain.test", text);
      const client = await live(newClient());
      expect(client.status.getSnapshot().transport).toBe("websocket");
      await client.close();
    },
  );

  it("comes back to what an older server has, after it was down", async () => {
    spec("C17");
    const client = await live(newClient());
    server.http.intercept = () => problem(404, "not_found");
    server.isReachable = false;
    await cut(client);
    // The next attempt is refused while the server is down, the one behind it meets a server without events.
    await vi.waitFor(() => {
      browser.clock.advance(500);
      expect(client.status.getSnapshot().state).toBe("connecting");
    });
    await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("offline"));
    server.isReachable = true;
    await over(client, "websocket");
    expect(client.status.getSnapshot().problem).toBeNull();
    await client.close();
  });

  it.each([[[]], [["sse", "sse"]], [["carrier pigeon"]]])("refuses the list %j", (transports) => {
    const call = (): unknown => newClient({ transports: transports as unknown as readonly TransportKind[] });
    expect(call).toThrow(expect.objectContaining({ code: "bad_options" }));
  });
});

describe("requests", () => {
  it("are one stream beside the pushes, and name the shapes by their hash", async () => {
    spec("C18");
    const client = await live(newClient({ transports: ["sse"] }));
    await client.table("games").update("g1", { title: "x" }).synced;
    await cut(client);
    await over(client, "sse");

    expect(server.http.asked.map(({ path }) => path)).toEqual(["shapes", "events", "batch", "events"]);
    expect(asked("events")[0]?.query.get("shapes")).toBe(asked("events")[1]?.query.get("shapes"));
    await client.close();
  });

  it.each(["sse", "poll"] as const)("post the shapes again when the server forgot them, over %s", async (kind) => {
    spec("C18");
    const client = await live(newClient({ transports: [kind] }));
    server.http.forgetLists();
    await cut(client);
    await over(client, kind);
    await vi.waitFor(() => expect(asked("shapes")).toHaveLength(2));
    await client.close();
  });

  it.each(["sse", "poll"] as const)("do not go in circles when no list of shapes is known, over %s", async (kind) => {
    const client = newClient({ transports: [kind] });
    server.http.intercept = (path) => (path === "shapes" ? Response.json({ hash: "nobody's" }) : null);
    await client.start();
    await vi.waitFor(() => expect(client.status.getSnapshot().problem?.code).toBe("unknown_shapes"));
    expect(server.http.asked.length).toBeLessThan(6);
    await client.close();
  });

  it.each([
    [401, "auth_expired", "connecting"],
    [403, "forbidden", "stopped"],
    [503, "limit_sessions", "offline"],
    [400, "bad_message", "offline"],
  ] as const)("that are answered with %i mean what a close code means", async (status, code, wanted) => {
    spec("C18");
    const client = newClient({ transports: ["sse", "poll"], firstDelayMs: 1_000_000 });
    server.http.intercept = (path) => (path === "events" ? problem(status, code) : null);
    await client.start();
    await vi.waitFor(() => expect(client.status.getSnapshot()).toMatchObject({ problem: { code } }));
    if (wanted !== "connecting") expect(client.status.getSnapshot().state).toBe(wanted);
    expect(asked("changes")).toHaveLength(0);
    await client.close();
  });

  it("wait as long as Retry-After says", async () => {
    spec("C8", "C18");
    const client = newClient({ transports: ["sse"] });
    server.http.intercept = (path) => (path === "events" ? problem(429, "limit_rate", { "retry-after": "7" }) : null);
    await client.start();
    await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("offline"));
    server.http.intercept = () => null;
    browser.clock.advance(6900);
    expect(client.status.getSnapshot().state).toBe("offline");
    await over(client, "sse");
    await client.close();
  });

  it("that a proxy answers say nothing about the person", async () => {
    spec("C18");
    const client = newClient({ transports: ["sse", "poll"] });
    const page403 = new Response("<h1>Blocked</h1>", { status: 403 });
    server.http.intercept = (path) => (path === "events" ? page403.clone() : null);
    await client.start();
    await over(client, "poll");
    expect(client.status.getSnapshot().problem).toBeNull();
    await client.close();
  });

  it("that answer with a page instead of a stream are no connection", async () => {
    const client = newClient({ transports: ["sse", "poll"] });
    const portal = new Response("<h1>Sign in to the hotel</h1>", { headers: { "content-type": "text/html" } });
    server.http.intercept = (path) => (path === "events" ? portal.clone() : null);
    await client.start();
    await over(client, "poll");
    await client.close();
  });

  it("with edits that fail are made again, and the stream goes on", async () => {
    spec("C9", "C18", "P10");
    const client = await live(newClient({ transports: ["sse"] }));
    let failures = 0;
    server.http.intercept = (path) => {
      if (path !== "batch" || failures === 3) return null;
      failures += 1;
      return new Response("bad gateway", { status: 502 });
    };
    const mutation = client.table("games").update("g1", { inc: { score: 1 } });
    await vi.waitFor(() => {
      browser.clock.advance(1000);
      expect(failures).toBe(3);
    });
    expect(client.status.getSnapshot()).toMatchObject({ state: "live", problem: { code: "unreachable" } });
    await vi.waitFor(() => {
      browser.clock.advance(1000);
      expect(client.status.getSnapshot().pending).toBe(0);
    });
    expect(await mutation.synced).toEqual({ n: 1, status: "applied" });
    expect(client.status.getSnapshot().problem).toBeNull();
    expect(asked("events")).toHaveLength(1);
    expect(server.rows.get('["g1"]')?.score).toBe(1);
    await client.close();
  });

  it("of a visitor carry no cookie that is left of somebody", async () => {
    spec("C18");
    const client = await live(newClient({ transports: ["sse"], credentials: "cookie" }));
    expect(asked("events")[0]).toMatchObject({ credentials: "omit" });
    expect(asked("events")[0]?.headers.get("authorization")).toBeNull();
    await client.close();
  });

  it("ask for nothing compressed when the application says so", async () => {
    const client = await live(newClient({ transports: ["poll"], compression: false }));
    expect(asked("changes")[0]?.query.get("compress")).toBe("0");
    await client.close();
  });
});

describe("polls", () => {
  it("go on with a load by its token", async () => {
    spec("C18");
    server.http.answerFrames = 1;
    const client = await live(newClient({ transports: ["poll"] }));
    expect(client.query("games").getSnapshot()).toHaveLength(5);
    const tokens = asked("changes").map(({ query }) => query.get("load"));
    expect(tokens.slice(0, 4)).toEqual([null, "t2", "t4", "t5"]);
    await client.close();
  });

  it("are one connection: the session says hello once", async () => {
    spec("C18");
    const lines: string[] = [];
    const client = await live(newClient({ transports: ["poll"], debug: (line) => void lines.push(line) }));
    for (let i = 0; i < 5; i += 1) {
      server.write({ update: { table: "games", key: ["g1"], set: { title: `t${i}` }, was: {} } });
      await vi.waitFor(() => expect(titleOf(client)).toBe(`t${i}`));
    }
    expect(lines.filter((line) => line.startsWith('> {"hello"'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('< {"welcome"'))).toHaveLength(1);
    expect(asked("changes").length).toBeGreaterThan(5);
    await client.close();
  });

  it("let the session say hello again when the server is another one", async () => {
    spec("C18", "P13");
    const client = await live(newClient({ transports: ["poll"] }));
    server.http.intercept = () => {
      server.epoch = "e2";
      server.rows.set('["g9"]', { id: "g9", title: "new", score: 0, tags: null });
      return null;
    };
    server.write({ update: { table: "games", key: ["g1"], set: { title: "after" }, was: {} } });
    await vi.waitFor(() => {
      browser.clock.advance(100);
      expect(client.query("games").getSnapshot()).toHaveLength(6);
    });
    expect(titleOf(client)).toBe("after");
    await client.close();
  });

  it("that are cut while they wait wait less, and the connection goes on", async () => {
    spec("C17", "C18");
    const client = await live(newClient({ transports: ["poll"] }));
    for (const wait of ["25", "12", "6"]) {
      await vi.waitFor(() => expect(asked("changes").at(-1)?.query.get("wait")).toBe(wait));
      await vi.waitFor(() => expect(server.sessions.size).toBe(1));
      browser.clock.advance(5000);
      server.cut();
    }
    await vi.waitFor(() => expect(asked("changes").at(-1)?.query.get("wait")).toBe("0"));
    expect(client.status.getSnapshot().state).toBe("live");

    server.write({ update: { table: "games", key: ["g1"], set: { title: "later" }, was: {} } });
    await vi.waitFor(() => {
      browser.clock.advance(1000);
      expect(titleOf(client)).toBe("later");
    });
    const before = asked("changes").length;
    await client.table("games").update("g1", { title: "at once" }).synced;
    expect(asked("changes")).toHaveLength(before + 1);
    await client.close();
  });

  it("that are answered with 304 keep the stream alive and the device current", async () => {
    spec("C8", "C12");
    const client = await live(newClient({ transports: ["poll"] }));
    const synced = client.status.getSnapshot().lastSynced ?? 0;
    let answers = 0;
    server.http.intercept = (path) => {
      if (path !== "changes" || answers === 3) return null;
      answers += 1;
      browser.clock.advance(25_000);
      return new Response(null, { status: 304 });
    };
    server.write({ update: { table: "games", key: ["g1"], set: { title: "x" }, was: {} } });
    await vi.waitFor(() => expect(answers).toBe(3));
    expect(client.status.getSnapshot().state).toBe("live");
    expect(client.status.getSnapshot().lastSynced).toBeGreaterThan(synced);
    await client.close();
  });
});

describe("an EventSource with the cookie", () => {
  class FakeEventStream implements EventStream {
    onmessage: EventStream["onmessage"] = null;
    onerror: EventStream["onerror"] = null;
    closed = false;
    readonly calls = new Map<string, (event: { readonly data?: unknown }) => void>();
    constructor(readonly url: string) {
      streams.push(this);
    }
    addEventListener(name: string, call: (event: { readonly data?: unknown }) => void): void {
      this.calls.set(name, call);
    }
    close(): void {
      this.closed = true;
    }
  }
  let streams: FakeEventStream[] = [];

  beforeEach(() => {
    streams = [];
    const user = { id: "u1", email: "a@b.c", name: null, role: "user" };
    const body = { user, access: "jwt", expires: 1e15, now: 0 };
    server.auth = () => ({ status: 200, body });
    browser.localStorage.setItem("swain:user:https://swain.test", JSON.stringify(user));
  });

  const open = (): Client =>
    newClient({
      transports: ["sse"],
      credentials: "cookie",
      environment: { eventStream: (url) => new FakeEventStream(url) },
    });

  it("is used, and is never left to connect again by itself", async () => {
    spec("C18");
    const client = open();
    await client.start();
    await vi.waitFor(() => expect(streams).toHaveLength(1));
    expect(streams[0]?.url).toContain("/api/sync/events?protocol=1&device=");
    expect(asked("shapes")[0]).toMatchObject({ credentials: "include" });
    expect(asked("shapes")[0]?.headers.get("authorization")).toBeNull();

    streams[0]?.onmessage?.({ data: '{"news":{"i":1}}' });
    streams[0]?.onerror?.();
    expect(streams[0]?.closed).toBe(true);
    await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("offline"));
    browser.clock.advance(2000);
    await vi.waitFor(() => expect(streams).toHaveLength(2));
    await client.close();
    expect(streams[1]?.closed).toBe(true);
  });

  it("asks why when it fails before the first event", async () => {
    spec("C18");
    const client = open();
    await client.start();
    await vi.waitFor(() => expect(streams).toHaveLength(1));
    server.http.intercept = (path) => (path === "events" ? problem(403, "forbidden") : null);
    streams[0]?.onerror?.();
    await vi.waitFor(() => expect(client.status.getSnapshot()).toMatchObject({ state: "stopped" }));
    await client.close();
  });

  it("ends with the code that the server names", async () => {
    spec("C18");
    const client = open();
    await client.start();
    await vi.waitFor(() => expect(streams).toHaveLength(1));
    streams[0]?.calls.get("close")?.({ data: "4403" });
    await vi.waitFor(() => expect(client.status.getSnapshot()).toMatchObject({ state: "stopped" }));
    expect(streams[0]?.closed).toBe(true);
    await client.close();
  });
});

describe("compressed frames", () => {
  function connect(): { socket: Socket; frames: string[]; closes: number[]; sent: string[]; leave(): void } {
    const sent: string[] = [];
    const socket: Socket = {
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (text) => void sent.push(text),
      close: () => undefined,
    };
    const frames: string[] = [];
    const closes: number[] = [];
    const transport = new WebSocketTransport({ origin: "https://a", newSocket: () => socket, gunzip });
    const connection = transport.open({
      opened: () => undefined,
      frame: (text) => void frames.push(text),
      closed: (code) => void closes.push(code),
    });
    connection.send('{"hello":{"protocol":1}}');
    return { socket, frames, closes, sent, leave: () => connection.close(1000, "left") };
  }
  const zipped = (text: string): ArrayBuffer => Uint8Array.from(gzipSync(text)).buffer;

  it("are announced, and keep their order, also before the end", async () => {
    spec("C18");
    const { socket, frames, closes, sent } = connect();
    expect(sent).toEqual(['{"hello":{"gzip":true,"protocol":1}}']);
    const big = JSON.stringify({ load: "🚣".repeat(100_000) });
    socket.onmessage?.({ data: "1" });
    expect(frames).toEqual(["1"]);
    for (const data of [zipped(big), "2", zipped("3"), "4"]) socket.onmessage?.({ data });
    socket.onclose?.({ code: 1012 });
    expect(closes).toEqual([]);
    await vi.waitFor(() => expect(closes).toEqual([1012]));
    expect(frames).toEqual(["1", big, "2", "3", "4"]);
  });

  it("that cannot be read are no message, and nothing comes after leaving", async () => {
    const { socket, frames, leave } = connect();
    const broken = new Uint8Array(zipped("x".repeat(1000))).slice(0, 15);
    for (const data of [Uint8Array.of(1, 2, 3).buffer, broken.buffer, "2"]) socket.onmessage?.({ data });
    await vi.waitFor(() => expect(frames).toEqual(["", "", "2"]));
    socket.onmessage?.({ data: zipped("3") });
    leave();
    await gunzip(zipped("later"));
    await Promise.resolve();
    expect(frames).toHaveLength(3);
  });
});
