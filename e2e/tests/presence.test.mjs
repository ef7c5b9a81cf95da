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
import { crash, leaderFirst } from "../support/tabs.mjs";

const PAGE = fileURLToPath(new URL("../pages/presence", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** As in the page's swain.toml. */
const HEARTBEAT_MS = 500;
/** What a machine under load adds to it. */
const SLACK_MS = 2000;

async function stage(t) {
  const folder = await mkdtemp(join(tmpdir(), "swain-e2e-presence-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await Server.init(folder, join(PAGE, "schema.sql"));
  cpSync(PAGE, folder, { recursive: true });
  const server = await Server.serve(folder);
  t.after(() => server.stop());
  return async (name) => {
    const profile = await Profile.create(name, server);
    t.after(() => profile.remove());
    const page = await open(profile);
    await page.evaluate(async (who) => {
      const { client } = globalThis;
      const { id } = await client.auth.signup({ email: `${who}@example.com`, password: "correct horse", name: who });
      await client.fresh();
      await client.table("members").insert({ id: who, project: "p", person: id }).synced;
    }, name);
    return { profile, page };
  };
}

async function open(profile) {
  const page = await profile.tab();
  await page.waitForFunction(() => globalThis.client !== undefined);
  return page;
}

const others = (page, count) => page.getByText(`live, ${count} others`).waitFor();
const on = (page, text) => page.getByText(text, { exact: true }).waitFor();

test("two browsers see each other's row and cursor, a killed tab disappears, a revoked member neither sees nor is seen", async (t) => {
  spec("P28", "R18");
  const enter = await stage(t);
  const [ada, ben] = await Promise.all([enter("Ada"), enter("Ben")]);
  await ada.page.evaluate(async () => {
    for (const id of ["One", "Two"]) globalThis.client.table("tasks").insert({ id, project: "p", title: id });
    await globalThis.client.sync();
  });
  await Promise.all([others(ada.page, 1), others(ben.page, 1)]);

  // The row, and the cursor.
  await ben.page.getByLabel("One").focus();
  await on(ada.page, "Ben on One");
  await ada.page.getByLabel("Two").focus();
  await on(ben.page, "Ada on Two");
  await ben.page.mouse.move(40, 50);
  await ben.page.mouse.move(120, 90);
  await ada.page.locator('#cursors [data-at="120 90"]').waitFor({ state: "attached" });
  await ada.page.locator("swain-presence li").getByText("Ben", { exact: true }).waitFor();
  await ada.page.evaluate(AXE);
  const { violations } = await ada.page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map(({ id }) => id), []);

  // A tab that shares the connection of another dies without a word; then the one that has the connection.
  const second = await open(ben.profile);
  await second.getByLabel("Two").focus();
  await on(ada.page, "Ben on Two");
  await others(ada.page, 2);
  const [leader, follower] = await leaderFirst([ben.page, second]);
  await crash(follower);
  const crashed = Date.now();
  await others(ada.page, 1);
  const missed = Date.now() - crashed;
  assert.ok(missed <= 3 * HEARTBEAT_MS + SLACK_MS, `after ${missed} ms`);
  await crash(leader);
  await others(ada.page, 0);

  // Back, and revoked: each is alone.
  const again = await open(ben.profile);
  await others(again, 1);
  await others(ada.page, 1);
  await ada.page.evaluate(() => globalThis.client.table("members").delete("Ben").synced);
  await others(again, 0);
  await others(ada.page, 0);
  await again.getByLabel("One").waitFor({ state: "detached" });
  await again.mouse.move(10, 10);
  await ada.page.getByLabel("One").focus();
  const seen = await again.evaluate(() => document.querySelector("#cursors").childElementCount);
  assert.deepEqual([seen, ...ada.profile.complaints, ...ben.profile.complaints], [0]);
});
