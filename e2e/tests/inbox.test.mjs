import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Profile } from "../support/profile.mjs";
import { Server } from "../support/server.mjs";
import { spec } from "../support/spec.mjs";

const PAGE = fileURLToPath(new URL("../pages/inbox", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Everybody's title, to see that text stays text. */
const SCRIPT = "<img src=x onerror=document.title=1>";

async function stage(t) {
  const folder = await mkdtemp(join(tmpdir(), "swain-e2e-inbox-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await Server.init(folder, join(PAGE, "schema.sql"));
  cpSync(PAGE, folder, { recursive: true });
  const server = await Server.serve(folder);
  t.after(() => server.stop());
  return async (name) => {
    const profile = await Profile.create(name, server);
    t.after(() => profile.remove());
    const page = await profile.tab();
    await page.waitForFunction(() => globalThis.client !== undefined);
    await page.evaluate(async (who) => {
      const { client } = globalThis;
      const { id } = await client.auth.signup({ email: `${who}@example.com`, password: "correct horse", name: who });
      await client.fresh();
      await client.table("people").insert({ id, name: who }).synced;
    }, name);
    await live(page);
    return { page, profile, name };
  };
}

const live = (page) => page.getByText("live, 0 pending").waitFor();
const pause = async (page) => {
  await page.evaluate(() => globalThis.client.pause());
  await page.getByText(/^offline, /).waitFor();
};
const resume = async (page) => {
  await page.evaluate(() => globalThis.client.resume());
  await live(page);
};

async function setTitle(page, title) {
  const field = page.getByLabel("Title").first();
  await field.fill(title);
  await field.press("Tab");
}

async function shot(page, name) {
  const folder = process.env.SWAIN_PICTURES;
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

async function isAccessible(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`),
    [],
  );
}

test("two people change one title offline: both see the conflict, one decides, it is gone for both", async (t) => {
  spec("M15", "C29");
  const open = await stage(t);
  const [ada, ben] = [await open("Ada"), await open("Ben")];
  await ada.page.evaluate(() => globalThis.client.table("notes").insert({ id: "n1", title: "At six" }).synced);
  await ben.page.getByLabel("Title").waitFor();

  await Promise.all([pause(ada.page), pause(ben.page)]);
  await setTitle(ada.page, "At seven");
  await setTitle(ben.page, SCRIPT);
  await resume(ada.page);
  await resume(ben.page);

  for (const { page, name } of [ada, ben]) {
    await page.getByRole("heading", { name: "To decide: 1" }).waitFor();
    const [other, own] = name === "Ada" ? [/^Ben wrote, .*\d/, /^You wrote, .*\d/] : [/^Ada wrote, .*\d/, /^You wrote, .*\d/];
    await page.locator("dt").getByText(other).waitFor();
    await page.locator("dt").getByText(own).waitFor();
    await page.locator("[data-version=mine] dd").getByText(SCRIPT, { exact: true }).waitFor();
    await page.locator("[data-version=theirs] dd").getByText("At seven", { exact: true }).waitFor();
    assert.equal(await page.title(), "Notes and an inbox", "a script in a text was run");
    await isAccessible(page);
    await shot(page, `conflict-${name}`);
  }

  // With the keyboard alone.
  await ben.page.getByRole("button", { name: "Write another" }).focus();
  await ben.page.keyboard.press("Enter");
  await ben.page.keyboard.press("Control+A");
  await ben.page.keyboard.type("Seven it is");
  await isAccessible(ben.page);
  await shot(ben.page, "conflict-writing");
  await ben.page.keyboard.press("Tab");
  await ben.page.keyboard.press("Enter");

  for (const { page, profile } of [ada, ben]) {
    await page.getByRole("heading", { name: "Nothing to decide" }).waitFor();
    await page.waitForFunction(() => document.querySelector("input")?.value === "Seven it is");
    await live(page);
    assert.deepEqual(profile.complaints, []);
  }
  const focused = await ben.page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.tagName);
  assert.equal(focused, "H2", "the keyboard goes on in the inbox");
});

test("a refused edit is corrected and tried again, from another device of the same person", async (t) => {
  spec("M16", "C29");
  const open = await stage(t);
  const ada = await open("Ada");
  const phone = await ada.profile.tab();
  await ada.page.evaluate(() => globalThis.client.table("notes").insert({ id: "n1", title: "At six" }).synced);
  await phone.getByLabel("Title").waitFor();
  await setTitle(ada.page, "A title that is far too long for what a title may be");
  for (const page of [ada.page, phone]) {
    await page.getByRole("heading", { name: "Not saved: change in notes" }).waitFor();
    await page.getByText("takes at most 40 characters").waitFor();
    assert.equal(await page.getByLabel("Title").first().inputValue(), "At six");
  }
  await isAccessible(phone);
  await shot(phone, "refusal");

  await phone.getByRole("button", { name: "Change and try again" }).click();
  await phone.locator("swain-inbox").getByLabel("Title").fill("Short");
  await isAccessible(phone);
  await phone.getByRole("button", { name: "Save" }).click();
  for (const page of [ada.page, phone]) {
    await page.getByRole("heading", { name: "Nothing to decide" }).waitFor();
    await page.waitForFunction(() => document.querySelector("#notes input")?.value === "Short");
  }
  await ada.page.waitForFunction(() => globalThis.client.refused.getSnapshot().length === 0);
  assert.deepEqual(ada.profile.complaints, []);
});
