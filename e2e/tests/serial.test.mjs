import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Profile } from "../support/profile.mjs";
import { Server } from "../support/server.mjs";
import { spec } from "../support/spec.mjs";

const PAGE = fileURLToPath(new URL("../pages/serial", import.meta.url));

test("rows that two people make without a server get ids that the database gives, and their pages go on", async (t) => {
  spec("C19", "M10", "P25");
  const folder = await mkdtemp(join(tmpdir(), "swain-e2e-serial-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await Server.init(folder, join(PAGE, "schema.sql"));
  cpSync(PAGE, folder, { recursive: true });
  const server = await Server.serve(folder);
  t.after(() => server.stop());
  const open = async (name) => {
    const profile = await Profile.create(name, server);
    t.after(() => profile.remove());
    const page = await profile.tab();
    await page.getByText("live, 0 pending, 0 refused").waitFor();
    return { page, profile };
  };
  const [ada, ben] = [await open("ada"), await open("ben")];

  await server.kill();
  for (const [{ page }, title] of [
    [ada, "Ada"],
    [ben, "Ben"],
  ]) {
    await page.getByText(/^offline, /).waitFor();
    await page.locator("#add input").fill(title);
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByText(`lap of ${title}: ${title} waits`).waitFor();
  }

  await server.start();
  for (const { page } of [ada, ben]) {
    await page.getByText(/^lap of Ada: Ada is [12]$/).waitFor();
    await page.getByText(/^lap of Ben: Ben is [12]$/).waitFor();
    await page.getByText("live, 0 pending, 0 refused").waitFor();
  }

  // By the key that the page got when there was no server.
  await ada.page.locator("#rename input").fill("Final");
  await ada.page.getByRole("button", { name: "Rename" }).click();
  for (const { page, profile } of [ada, ben]) {
    await page.getByText(/^lap of Ada: Final is [12]$/).waitFor();
    await page.getByText("live, 0 pending, 0 refused").waitFor();
    const laps = await page.locator("#laps li").allTextContents();
    assert.deepEqual(new Set(laps.map((lap) => lap.at(-1))), new Set(["1", "2"]), "each session has an id of its own");
    assert.deepEqual(profile.complaints, []);
  }
});
