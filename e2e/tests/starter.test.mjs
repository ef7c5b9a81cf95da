// What `swain init` makes, in real browsers: as somebody has it in the first minute.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Profile } from "../support/profile.mjs";
import { Server } from "../support/server.mjs";

const WIDTHS = [360, 1280];

/** Pictures for who wants to look at them. */
async function picture(page, name) {
  const folder = process.env.SWAIN_PICTURES;
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

async function fits(page, view) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    const seen = await page.evaluate(() => ({ inner: innerWidth, content: document.documentElement.scrollWidth }));
    assert.deepEqual(seen, { inner: width, content: width }, `${view} at ${width} px scrolls sideways`);
    await picture(page, `${view}-${width}`);
  }
}

async function signUp(profile, email) {
  const page = await profile.tab();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("long enough");
  await page.getByRole("button", { name: "New account" }).click();
  await page.getByPlaceholder("New list").waitFor();
  await page.locator("#status[data-state=live]").waitFor();
  return page;
}

async function add(page, placeholder, text) {
  await page.getByPlaceholder(placeholder).fill(text);
  await page.getByPlaceholder(placeholder).press("Enter");
}

test("what init makes is live in two windows and fits a phone", async (t) => {
  const server = await Server.starter("serve");
  t.after(() => server.remove());
  const open = async (name, viewport) => {
    const profile = await Profile.create(name, server, viewport);
    t.after(() => profile.remove());
    return profile;
  };
  const [phone, desk] = [await open("phone", { width: 360, height: 800 }), await open("desk")];
  const first = await phone.tab();
  await first.getByLabel("E-mail").waitFor();
  await fits(first, "starter-sign-in");
  const ada = await signUp(phone, "ada@example.com");
  const ben = await signUp(desk, "ben@example.com");

  await add(ada, "New list", "Shopping");
  await ben.getByRole("heading", { name: "Shopping" }).waitFor();
  await add(ben, "New item", "Bread");
  await ada.getByLabel("Bread", { exact: true }).check();
  await ben.locator("li:has(:checked)", { hasText: "Bread" }).waitFor();

  // Offline edits arrive when the server is back.
  await server.stop();
  await ada.locator("#status:not([data-state=live])").waitFor();
  await add(ada, "New item", "Butter");
  await ada.getByText("1 to send").waitFor();
  await server.start();
  await ben.getByText("Butter").waitFor();

  await add(ada, "New item", "W".repeat(60));
  await ben.getByText("W".repeat(60)).waitFor();
  await ada.locator("#status[data-state=live]").waitFor();
  for (const [page, view] of [
    [ada, "starter-ada"],
    [ben, "starter-ben"],
  ]) {
    await fits(page, view);
  }
  assert.deepEqual([...phone.complaints, ...desk.complaints], []);
});

test("dev brings what was saved into the page, and shows what is wrong", async (t) => {
  const server = await Server.starter("dev");
  t.after(() => server.remove());
  const profile = await Profile.create("developer", server);
  t.after(() => profile.remove());
  const page = await signUp(profile, "ada@example.com");

  const index = join(server.folder, "public/index.html");
  await writeFile(index, (await readFile(index, "utf8")).replace("<h1>Lists</h1>", "<h1>My lists</h1>"));
  await page.getByRole("heading", { name: "My lists" }).waitFor();

  const config = join(server.folder, "swain.toml");
  const good = await readFile(config, "utf8");
  await writeFile(config, good.replace("auth.id IS NOT NULL", "auth.idd IS NOT NULL"));
  const trouble = page.locator("swain-devtools .trouble");
  await trouble.waitFor();
  assert.match(await trouble.innerText(), /swain.toml is not right, line \d+[^]*\^\^\^/);
  await picture(page, "dev-trouble");

  server.wasDown = true; // The server of the mended file takes the place of this one.
  await writeFile(config, good);
  await trouble.waitFor({ state: "hidden" });
  await page.locator("#status[data-state=live]").waitFor();
  assert.deepEqual(profile.complaints, []);
});
