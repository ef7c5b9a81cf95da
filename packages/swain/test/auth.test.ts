import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Client, createClient, type Json } from "../src/index";
import { Browser, FakePage } from "./fake-page";
import { FakeServer } from "./fake-server";
import { spec } from "./spec";

let server: FakeServer;
let browser: Browser;
/** Whom the cookie names. */
let cookie: string | null;
let refreshes: number;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  server = new FakeServer();
  browser = new Browser();
  cookie = null;
  refreshes = 0;
  server.rows.set('["g1"]', { id: "g1", title: "A", score: 1, tags: null });
  server.auth = (path, body) => {
    if (path === "logout") cookie = null;
    if (path === "login" && body.password !== "right") {
      return { status: 401, body: { code: "wrong_password", title: "Wrong" } };
    }
    if (path === "login" || path === "signup") cookie = String(body.email);
    if (path === "refresh") refreshes += 1;
    if (cookie === null) return { status: 401, body: { code: "refresh_invalid", title: "Sign in again" } };
    return { status: 200, body: answer(cookie) };
  };
});

function answer(email: string): Json {
  const now = 1_700_000_005_000;
  return {
    user: { id: `id-${email}`, email, name: null, role: "user" },
    access: `jwt-${email}-${refreshes}`,
    expires: now + 600_000,
    now,
  };
}

async function started(page = new FakePage(), more: Partial<Parameters<typeof createClient>[0]> = {}): Promise<Client> {
  const environment = browser.tab(server, page);
  const client = createClient({ url: "https://swain.test", shapes: [{ table: "games" }], environment, ...more });
  await client.start();
  return client;
}

async function live(client: Client): Promise<void> {
  await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("live"));
}

function helloTokens(): readonly unknown[] {
  return server.received.flatMap((message) => (message.hello === undefined ? [] : [message.hello.token]));
}

describe("signing in", () => {
  it("opens the person's own store and finds it again offline after a reload", async () => {
    spec("C11", "P17");
    const client = await started();
    expect(client.auth.getSnapshot()).toBeNull();
    await expect(client.auth.login({ email: "ann", password: "wrong" })).rejects.toMatchObject({
      code: "wrong_password",
    });
    const user = await client.auth.login({ email: "ann", password: "right" });
    expect(user).toEqual({ id: "id-ann", email: "ann", name: null, role: "user" });
    await live(client);
    expect(helloTokens().at(-1)).toBe("jwt-ann-0");
    await client.close();

    server.isReachable = false;
    const again = await started();
    expect(again.auth.getSnapshot()).toEqual(user);
    expect(again.query("games").getSnapshot()).toHaveLength(1);
    server.isReachable = true;
    await again.sync();
    expect(refreshes).toBe(1);
    await again.close();
  });

  it("keeps one person's unsent edits from the next one, and sends them when the first returns", async () => {
    spec("C11");
    const client = await started();
    await client.auth.signup({ email: "ann", password: "right", name: "Ann" });
    await live(client);
    client.pause();
    await client.table("games").update("g1", { title: "Ann's" }).saved;
    expect(await client.auth.logout()).toEqual({ unsent: 1 });
    expect(client.auth.getSnapshot()).toBeNull();

    await client.auth.login({ email: "bob", password: "right" });
    await live(client);
    expect(client.table("games").get("g1")?.title).toBe("A");
    expect(client.status.getSnapshot().pending).toBe(0);
    expect(server.rows.get('["g1"]')?.title).toBe("A");

    await client.auth.login({ email: "ann", password: "right" });
    expect(client.table("games").get("g1")?.title).toBe("Ann's");
    await vi.waitFor(() => expect(server.rows.get('["g1"]')?.title).toBe("Ann's"));
    await client.close();
  });

  it("signs out on every device only when the server hears of it", async () => {
    spec("P17");
    const client = await started();
    await client.auth.login({ email: "ann", password: "right" });
    await live(client);
    const signedIn = server.auth;
    server.auth = () => ({ status: 503, body: {} });
    await expect(client.auth.logout({ everywhere: true })).rejects.toMatchObject({ code: "offline" });
    expect(client.auth.getSnapshot()?.id).toBe("id-ann");

    const asked: unknown[] = [];
    server.auth = (path, body) => {
      asked.push([path, body]);
      return { status: 200, body: {} };
    };
    await client.auth.logout({ everywhere: true });
    expect(asked[0]).toEqual(["logout", { everywhere: true }]);
    expect(client.auth.getSnapshot()).toBeNull();
    server.auth = signedIn;
    await client.close();
  });

  it("changes the password and stays signed in", async () => {
    spec("P17");
    const client = await started();
    await client.auth.login({ email: "ann", password: "right" });
    const signedIn = server.auth;
    server.auth = (path, body) => {
      if (path !== "password") return signedIn(path, body);
      const isRight = body.current === "right";
      return isRight ? { status: 200, body: answer("ann") } : { status: 401, body: { code: "wrong_credentials" } };
    };
    await expect(client.auth.changePassword({ current: "wrong", next: "another word" })).rejects.toMatchObject({
      code: "wrong_credentials",
    });
    await client.auth.changePassword({ current: "right", next: "another word" });
    expect(client.auth.getSnapshot()?.id).toBe("id-ann");
    await client.close();
  });

  it("opens the store of whoever chose another password, and asks for mails", async () => {
    spec("P17");
    const client = await started();
    const asked: unknown[] = [];
    server.auth = (path, body): { status: number; body: Json } => {
      asked.push([path, body]);
      if (path === "reset" && body.token === "used") return { status: 410, body: { code: "link_ended" } };
      return path === "reset" && "token" in body ? { status: 200, body: answer("ann") } : { status: 202, body: {} };
    };
    await client.auth.requestReset("ann@swain.test");
    await expect(client.auth.resetPassword({ token: "used", password: "another word" })).rejects.toMatchObject({
      code: "link_ended",
    });
    expect(client.auth.getSnapshot()).toBeNull();
    await client.auth.resetPassword({ token: "good", password: "another word" });
    expect(client.auth.getSnapshot()?.id).toBe("id-ann");
    await client.auth.verify("shown");
    await client.auth.verify();
    expect(asked).toEqual([
      ["reset", { email: "ann@swain.test" }],
      ["reset", { token: "used", password: "another word" }],
      ["reset", { token: "good", password: "another word" }],
      ["verify", { token: "shown" }],
      ["verify", {}],
    ]);
    await client.close();
  });

  it("follows a sign-in in another tab", async () => {
    spec("C11");
    const page = new FakePage();
    const other = await started(page);
    const client = await started();
    await client.auth.login({ email: "ann", password: "right" });
    page.fire("stored swain:user:https://swain.test");
    await vi.waitFor(() => expect(other.auth.getSnapshot()?.id).toBe("id-ann"));
    await live(other);
    await Promise.all([client.close(), other.close()]);
  });

  it("does not connect as the one with the cookie of another", async () => {
    spec("C11");
    const client = await started();
    await client.auth.login({ email: "ann", password: "right" });
    await live(client);
    cookie = "bob";
    server.cut(4401);
    await vi.waitFor(() => expect(client.auth.getSnapshot()?.id).toBe("id-bob"));
    await live(client);
    const devices = server.received.flatMap(({ hello }) => (hello === undefined ? [] : [[hello.device, hello.token]]));
    const [annsDevice] = devices.find(([, token]) => String(token).startsWith("jwt-ann")) ?? [];
    expect(devices.filter(([device, token]) => device === annsDevice && String(token).startsWith("jwt-bob"))).toEqual(
      [],
    );
    await client.close();
  });

  it("stops when the sign-in has ended, keeps the rows, and goes on after the next sign-in", async () => {
    spec("C8", "P18");
    const client = await started();
    await client.auth.login({ email: "ann", password: "right" });
    await live(client);
    cookie = null;
    server.cut(4401);
    await vi.waitFor(() => expect(client.status.getSnapshot().state).toBe("stopped"));
    expect(client.status.getSnapshot().problem).toMatchObject({ code: "refresh_invalid" });
    expect(client.query("games").getSnapshot()).toHaveLength(1);
    await client.auth.login({ email: "ann", password: "right" });
    await live(client);
    await client.close();
  });

  it("refreshes in one tab after the other", async () => {
    spec("P18");
    let running = 0;
    let most = 0;
    const fetch = server.fetch;
    const slow: typeof fetch = async (url, init) => {
      running += 1;
      most = Math.max(most, running);
      // sleep: a fault: a slow answer, so that a second refresh would overlap.
      await new Promise((resolve) => setTimeout(resolve, 5));
      const response = await fetch(url, init);
      running -= 1;
      return response;
    };
    cookie = "ann";
    browser.localStorage.setItem(
      "swain:user:https://swain.test",
      JSON.stringify({ id: "id-ann", email: "ann", role: "user" }),
    );
    const clients = [1, 2, 3].map(() => {
      // Each alone in memory, so that all of them connect.
      const environment = { ...browser.tab(server), fetch: slow };
      return createClient({ url: "https://swain.test", shapes: [{ table: "games" }], memory: true, environment });
    });
    await Promise.all(clients.map((client) => client.start()));
    await Promise.all(clients.map(live));
    expect(refreshes).toBe(3);
    expect(most).toBe(1);
    await Promise.all(clients.map((client) => client.close()));
  });
});
