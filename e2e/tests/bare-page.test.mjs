import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Profile } from "../support/profile.mjs";
import { Server } from "../support/server.mjs";
import { spec } from "../support/spec.mjs";

const PAGE = fileURLToPath(new URL("../pages/bare", import.meta.url));

test("one script on a page of one's own is enough", async (t) => {
  spec("P17");
  // The demo makes the tables; then `swain serve` has them, with another page.
  const demo = await Server.create();
  t.after(() => demo.remove());
  await demo.stop();
  cpSync(PAGE, demo.data, { recursive: true });
  const server = await Server.serve(demo.data);
  t.after(() => server.stop());
  const open = async (name) => {
    const profile = await Profile.create(name, server);
    t.after(() => profile.remove());
    const page = await profile.tab();
    // The buttons work from then on.
    await page.locator("#state:not(:empty)").waitFor();
    await page.getByRole("button", { name: "Join" }).click();
    await page.getByText("live, 0 pending").waitFor();
    return { page, profile };
  };
  const [one, other] = [await open("one"), await open("other")];

  await one.page.locator("#add input").fill("<b>Hilltop</b>");
  await one.page.getByRole("button", { name: "Add" }).click();

  for (const { page, profile } of [one, other]) {
    // Text stays text: the tags are seen, not obeyed.
    await page.getByText("<b>Hilltop</b>").waitFor();
    await page.getByText("live, 0 pending").waitFor();
    const places = await page.locator("#sessions li").allTextContents();
    assert.deepEqual(places, ["<b>Hilltop</b>", "Riverside court 2"]);
    assert.deepEqual(profile.complaints, []);
  }
  const module = await (await fetch(`${server.url}/swain.js`)).text();
  assert.doesNotMatch(module, /^import |\bimport\(/m);
});
