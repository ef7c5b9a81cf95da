import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gameState, pending, play, playOn, pullCable, shows, status, tap, typeScore } from "../support/pace.mjs";
import { Profile } from "../support/profile.mjs";
import { Proxy } from "../support/proxy.mjs";
import { Server } from "../support/server.mjs";

const LIBRARY = fileURLToPath(new URL("../../packages/swain/dist/", import.meta.url));
const VIEWS = ["frames", "outbox", "shapes", "rows"];

/** Pace with the panel in its pages. */
async function stage(t, viewport) {
  const server = await Server.create();
  t.after(() => server.remove());
  const proxy = await Proxy.before(server);
  t.after(() => proxy.close());
  proxy.isDeveloping = true;
  proxy.answer = (path) => {
    const script = ["/swain.js", "/swain-devtools.js"].find((name) => name === path);
    return script === undefined ? null : { type: "text/javascript", body: readFileSync(LIBRARY + script.slice(1)) };
  };
  const profile = await Profile.create("ada", proxy, viewport);
  t.after(() => profile.remove());
  return { profile, proxy, server };
}

const panel = (page) => page.locator("swain-devtools .panel");

async function openPanel(page) {
  await page.locator("swain-devtools .pill").click();
  await panel(page).waitFor();
}

async function view(page, name) {
  await panel(page).getByRole("tab", { name }).click();
}

test("the panel shows frames, outbox, shapes and rows, and the page's policy has nothing against it", async (t) => {
  const { profile } = await stage(t);
  const page = await play(profile, "ada");
  await tap(page, "a");
  await shows(page, 15, 11);
  await typeScore(page, "b", 104);
  await gameState(page, "refused");
  await openPanel(page);
  await panel(page).getByText("live · websocket").waitFor();

  await panel(page).locator("details.push").first().locator("summary").click();
  await panel(page).locator("details.push pre", { hasText: '"mutations"' }).first().waitFor();
  const hello = panel(page).locator("details.hello").first();
  await hello.locator("summary").click();
  assert.match(await hello.locator("pre").innerText(), /"token": "…"/, "nobody's token is shown");

  await view(page, "outbox");
  await panel(page).getByText("applied").waitFor();
  await panel(page).getByText("refused check_failed").waitFor();
  await view(page, "shapes");
  for (const table of ["sessions", "players", "games"]) {
    await panel(page).getByRole("cell", { name: table, exact: true }).waitFor();
  }
  await view(page, "rows");
  await panel(page).getByRole("combobox").selectOption("games");
  await panel(page).getByText("5 rows").waitFor();
  assert.deepEqual(profile.complaints, []);
});

test("the panel's cable is the store's: pulled, edits wait in the outbox; plugged in, they go", async (t) => {
  const { profile } = await stage(t);
  const page = await play(profile, "ada");
  await openPanel(page);
  await panel(page).getByRole("switch").uncheck();
  await status(page, "offline");
  await page.locator("swain-devtools .close").click();
  await tap(page, "a");
  await pending(page, 1);
  await openPanel(page);
  await view(page, "outbox");
  await panel(page).getByText("1 pending").waitFor();

  await panel(page).getByRole("switch").check();
  await panel(page).getByText("0 pending").waitFor();
  await status(page, "live");
  assert.deepEqual(profile.complaints, []);
});

test("the panel of a tab that does not lead says so, and stays open over a reload", async (t) => {
  const { profile } = await stage(t);
  await play(profile, "ada");
  const second = await playOn(profile);
  await openPanel(second);
  await panel(second).getByText("another tab leads").waitFor();
  await second.reload();
  await panel(second).waitFor();
});

test("a save reloads every tab of the page", async (t) => {
  const { profile, proxy } = await stage(t);
  const pages = [await play(profile, "ada"), await playOn(profile)];
  for (const page of pages) await page.evaluate(() => Object.assign(globalThis, { isOld: true }));
  proxy.saved("public/app.js");
  for (const page of pages) await page.waitForFunction(() => globalThis.isOld === undefined);
  assert.deepEqual(profile.complaints, []);
});

test("the panel does not make a page scroll sideways", async (t) => {
  const { profile } = await stage(t, { width: 360, height: 740 });
  const page = await play(profile, "ada");
  await tap(page, "a");
  await pullCable(page);
  await openPanel(page);
  for (const width of [360, 768, 1280]) {
    await page.setViewportSize({ width, height: 740 });
    for (const name of VIEWS) {
      await view(page, name);
      const seen = await page.evaluate(() => {
        const { left, right } = document
          .querySelector("swain-devtools")
          .shadowRoot.querySelector(".panel")
          .getBoundingClientRect();
        return { content: document.documentElement.scrollWidth, isInside: left >= 0 && right <= innerWidth };
      });
      assert.deepEqual(seen, { content: width, isInside: true }, `${name} at ${width} px`);
    }
  }
});
