// What browsers do to pages. Each story ends with every edit at the server.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Profile } from "../support/profile.mjs";
import { Server } from "../support/server.mjs";
import { spec } from "../support/spec.mjs";
import { leads, saved } from "../support/tabs.mjs";

const PAGE = fileURLToPath(new URL("../pages/notes", import.meta.url));
const LIVE = "live, 0 pending, no problem";
const DAY_MS = 24 * 60 * 60 * 1000;

let folder;
let server;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "swain-e2e-hardship-"));
  await Server.init(folder, join(PAGE, "schema.sql"));
  cpSync(PAGE, folder, { recursive: true });
  server = await Server.serve(folder);
});
after(async () => {
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** A browser and its first tab. */
async function open(t, name) {
  const profile = await Profile.create(name, server);
  t.after(() => profile.remove());
  const page = await profile.tab();
  await says(page, LIVE);
  return { profile, page, devtools: await page.context().newCDPSession(page) };
}

async function says(page, text) {
  await page.locator("p").getByText(text, { exact: true }).waitFor();
}

async function shows(page, ...notes) {
  for (const note of notes) await page.locator("li").getByText(note, { exact: true }).waitFor();
}

/** Resolves when the edit is durable: "saved", or the code of what went wrong. */
function write(page, text) {
  return page.evaluate(
    (note) =>
      globalThis.client
        .table("notes")
        .insert({ text: note })
        .saved.then(
          () => "saved",
          ({ code }) => code,
        ),
    text,
  );
}

/** Somebody who was never there has all of it. */
async function arrived(t, ...notes) {
  const { page, profile } = await open(t, "stranger");
  await shows(page, ...notes);
  await profile.close();
}

test("a frozen leader is taken over, and does no harm when it wakes up", async (t) => {
  spec("C14");
  const { profile, page: frozen } = await open(t, "frozen");
  const other = await profile.tab();
  // Its long waits are a hundred times shorter: half a minute of silence is less than a second.
  await other.addInitScript(() => {
    const wait = globalThis.setTimeout;
    globalThis.setTimeout = (call, ms, ...more) => wait(call, ms >= 10_000 ? ms / 100 : ms, ...more);
  });
  await other.reload();
  await says(other, LIVE);
  assert.ok(await leads(frozen));

  // A request that it waits for, with everything else standing still: its lock and its connection stay.
  const asked = new Promise((resolve) => frozen.route("**/freeze", resolve));
  frozen
    .evaluate(() => {
      const request = new XMLHttpRequest();
      request.open("GET", "/freeze", false);
      request.send();
    })
    .catch(() => undefined);
  const answer = await asked;
  assert.equal(await write(other, "behind a frozen leader"), "saved");
  await says(other, LIVE);
  await answer.fulfill({ body: "go on" });

  await shows(frozen, "behind a frozen leader");
  assert.equal(await leads(frozen), false);
  assert.equal(await write(frozen, "of the one that froze"), "saved");
  await arrived(t, "behind a frozen leader", "of the one that froze");
});

test("storage that is cleared under an open page is filled again", async (t) => {
  spec("C26");
  const { profile, page, devtools } = await open(t, "cleared");
  await server.kill();
  await page.getByText(/^offline, 0 pending/).waitFor();
  assert.equal(await write(page, "before it was cleared"), "saved");
  await devtools.send("Storage.clearDataForOrigin", { origin: server.url, storageTypes: "indexeddb" });
  assert.equal(await write(page, "after it was cleared"), "saved");
  await saved(page, 2);
  await profile.close();
  await profile.open();
  await server.start();
  const again = await profile.tab();
  await says(again, LIVE);
  await arrived(t, "before it was cleared", "after it was cleared");
});

test("a page that waits for an older one says so, and goes on when that is closed", async (t) => {
  const profile = await Profile.create("blocked", server);
  t.after(() => profile.remove());
  const old = await profile.tab("/elsewhere.html");
  await old.evaluate(
    () =>
      new Promise((resolve) => {
        const request = indexedDB.open(`swain:${location.origin}:visitor`, 1);
        request.onupgradeneeded = () => {
          request.result.createObjectStore("meta");
          for (const name of ["rows", "staging"]) request.result.createObjectStore(name, { keyPath: ["table", "keyText"] });
          request.result.createObjectStore("outbox", { keyPath: "n" }).createIndex("uid", "uid", { unique: true });
        };
        request.onsuccess = resolve;
      }),
  );
  const page = await profile.tab();
  await says(page, "offline, 0 pending, storage_blocked");
  await old.close();
  await says(page, LIVE);
  assert.equal(await write(page, "after the older page"), "saved");
  await arrived(t, "after the older page");
});

test("a page that is older than its data touches nothing", async (t) => {
  const { profile, page } = await open(t, "older");
  await server.kill();
  await page.getByText(/^offline, 0 pending/).waitFor();
  assert.equal(await write(page, "waits for a newer page"), "saved");
  await server.start();
  await says(page, LIVE);
  await server.kill();
  assert.equal(await write(page, "stays where it is"), "saved");
  await page.goto("about:blank");
  await server.start();
  await page.goto(`${server.url}/elsewhere.html`);
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        indexedDB.open(`swain:${location.origin}:visitor`, 99).onsuccess = ({ target }) => {
          target.result.close();
          resolve();
        };
      }),
  );
  await page.goto(server.url);
  await says(page, "store_newer");
  const waiting = await page.evaluate(
    () =>
      new Promise((resolve) => {
        indexedDB.open(`swain:${location.origin}:visitor`).onsuccess = ({ target }) => {
          const all = target.result.transaction("outbox").objectStore("outbox").getAll();
          all.onsuccess = () => resolve(all.result.filter(({ state }) => state.kind === "pending").length);
        };
      }),
  );
  assert.equal(waiting, 1);
  await profile.close();
});

test("without room an edit is refused and undone, and those before it stay", async (t) => {
  spec("C2");
  const { page } = await open(t, "full");
  assert.equal(await write(page, "while there was room"), "saved");
  // The headless shell does not mind a lower quota, so the request itself says what a full disk says.
  await page.evaluate(() => {
    const { put } = IDBObjectStore.prototype;
    globalThis.free = () => Object.assign(IDBObjectStore.prototype, { put });
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  });
  assert.equal(await write(page, "without room"), "quota_exceeded");
  await page.evaluate(() => globalThis.free());
  assert.equal(await page.locator("li").getByText("without room", { exact: true }).count(), 0);
  assert.equal(await write(page, "when there was room again"), "saved");
  await page.getByText(/^live, 0 pending/).waitFor();
  await arrived(t, "while there was room", "when there was room again");
});

test("a clock that jumps by days, forth and back, keeps nothing from arriving", async (t) => {
  const { page } = await open(t, "clock");
  const now = Date.now();
  for (const [name, days] of [
    ["tomorrow", 1],
    ["last week", -7],
    ["today", 0],
  ]) {
    await page.clock.setSystemTime(now + days * DAY_MS);
    assert.equal(await write(page, `written ${name}`), "saved");
    await says(page, LIVE);
  }
  await arrived(t, "written tomorrow", "written last week", "written today");
});

test("edits of somebody whose sign-in has expired wait for the next one", async (t) => {
  const { profile, page } = await open(t, "expired");
  const person = { email: `${crypto.randomUUID()}@example.com`, password: "a long password" };
  await page.evaluate((who) => globalThis.client.auth.signup(who), person);
  await says(page, LIVE);
  profile.expect(/status of 401/);

  await page.context().clearCookies();
  await page.clock.setSystemTime(Date.now() + 60 * 60 * 1000);
  await server.kill();
  await server.start();
  await page.getByText(/^stopped, 0 pending/).waitFor();
  assert.equal(await write(page, "signed out by time"), "saved");
  await page.getByText(/^stopped, 1 pending/).waitFor();
  await page.evaluate((who) => globalThis.client.auth.login(who), person);
  await says(page, LIVE);
  await arrived(t, "signed out by time");
});

test("an edit whose page goes in the same moment is there when it comes back", async (t) => {
  spec("C2", "C28");
  const { page } = await open(t, "leaving");
  await page.evaluate(() => {
    globalThis.client.table("notes").insert({ text: "in the last moment" });
    location.assign("/elsewhere.html");
  });
  await says(page, "elsewhere");
  await page.goBack();
  await shows(page, "in the last moment");
  await says(page, LIVE);
  await arrived(t, "in the last moment");
});

test("a worker of the page has a client of its own, and both share the store", async (t) => {
  const { page } = await open(t, "worker");
  const seen = await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker("/worker.js", { type: "module" });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      }),
  );
  assert.deepEqual({ persistent: seen.persistent, leader: seen.leader }, { persistent: true, leader: false });
  await shows(page, "of a worker");
  await arrived(t, "of a worker");
});
