import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bundle } from "../support/bundle.mjs";
import { Profile } from "../support/profile.mjs";
import { binary, Server } from "../support/server.mjs";
import { spec } from "../support/spec.mjs";

const APPLICATION = fileURLToPath(new URL("../pages/dexie", import.meta.url));
const GUIDE = fileURLToPath(new URL("../../docs/guide/dexie.md", import.meta.url));
const PASSWORD = "a long password";

test("a Dexie application is converted by ten lines, and two browsers that used it before sync", async (t) => {
  spec("C19", "M10");
  const folder = await mkdtemp(join(tmpdir(), "swain-e2e-dexie-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await Server.init(folder, join(APPLICATION, "before/db.ts"));
  writeFileSync(join(folder, "password"), PASSWORD);
  for (const name of ["ada", "ben"]) {
    const add = ["user", "add", `${name}@example.com`, "--password-file", "password"];
    execFileSync(binary(), [...add, "--config", "swain.toml"], { cwd: folder });
  }
  const place = (name) => join(folder, name);
  await bundle(join(APPLICATION, "before"), place("before"));
  await bundle(join(APPLICATION, "before"), place("after"), { "./db": join(APPLICATION, "after/db.ts") });
  const publish = (name) => {
    rmSync(place("public"), { recursive: true, force: true });
    cpSync(place(name), place("public"), { recursive: true });
  };

  publish("before");
  const server = await Server.serve(folder);
  t.after(() => server.stop());
  const open = async (name) => {
    const profile = await Profile.create(name, server);
    t.after(() => profile.remove());
    return { name, profile, page: await profile.tab() };
  };
  const people = [await open("ada"), await open("ben")];
  for (const { page, name } of people) {
    await add(page, `Club of ${name}`);
    await seen(page, [`Club of ${name}`]);
  }

  publish("after");
  await server.stop();
  await server.start();
  for (const { page, name, profile } of people) {
    const answers = [`${name}@example.com`, PASSWORD];
    page.on("dialog", (dialog) => dialog.accept(answers.shift()));
    await page.reload();
    profile.expect(/status of 401/);
  }
  for (const { page } of people) await seen(page, ["Club of ada", "Club of ben"]);

  await server.kill();
  await add(people[0].page, "Offline");
  await people[1].page.getByRole("button", { name: "All done" }).click();
  await people[1].page.getByText("Club of ada's first in Club of ada's eight, done").waitFor();
  await seen(people[0].page, ["Club of ada", "Club of ben", "Offline"]);
  await people[0].page.close();
  await server.start();
  people[0].page = await people[0].profile.tab();
  for (const { page, profile } of people) {
    await seen(page, ["Club of ada", "Club of ben", "Offline"]);
    await page.getByText("Club of ada's first in Club of ada's eight, done").waitFor();
    await page.getByText("Offline's eight of Offline, 2020").waitFor();
    assert.deepEqual(profile.complaints, []);
  }
});

test("the guide shows the whole change, and it is ten lines of a hundred characters", () => {
  const [before, after] = ["before", "after"].map((name) => readFileSync(join(APPLICATION, name, "db.ts"), "utf8"));
  const [, diff] = /^```diff\n([^]*?)^```$/m.exec(readFileSync(GUIDE, "utf8")) ?? [];
  const lines = diff.trimEnd().split("\n").slice(2);
  const changed = lines.filter((line) => /^[+-]/.test(line));
  assert.ok(changed.filter((line) => line !== "+").length <= 10, changed.join("\n"));
  for (const line of changed) assert.ok(line.length - 1 <= 100, `too long: ${line}`);

  assert.equal(patched(before, lines), after);
});

/** A unified diff applied, so that what the guide shows is what is tested. */
function patched(text, lines) {
  const old = text.split("\n");
  const made = [];
  let at = 0;
  for (const line of lines) {
    const [, from] = /^@@ -(\d+)/.exec(line) ?? [];
    if (from !== undefined) {
      while (at < Number(from) - 1) made.push(old[at++]);
      continue;
    }
    if (!line.startsWith("+")) assert.equal(line.slice(1), old[at++]);
    if (!line.startsWith("-")) made.push(line.slice(1));
  }
  return [...made, ...old.slice(at)].join("\n");
}

async function add(page, club) {
  await page.locator("input").fill(club);
  await page.getByRole("button", { name: "Add" }).click();
}

/** With each club there is its boat, and an outing in that. */
async function seen(page, clubs) {
  for (const club of clubs) {
    await page.locator("#clubs").getByText(club, { exact: true }).waitFor();
    await page.locator("#boats").getByText(`${club}'s eight of ${club}, 2020`).waitFor();
    await page.locator("#outings").getByText(`${club}'s first in ${club}'s eight`).waitFor();
  }
  assert.equal(await page.locator("#clubs li").count(), clubs.length);
}
