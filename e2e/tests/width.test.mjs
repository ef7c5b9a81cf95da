import assert from "node:assert/strict";
import { at, live, openFirstSession, play, pullCable, signIn, typeScore } from "../support/pace.mjs";
import { story } from "../support/story.mjs";

const WIDTHS = [360, 768, 1280];

async function fits(page, view) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    const seen = await page.evaluate(() => ({
      inner: innerWidth,
      content: document.documentElement.scrollWidth,
      body: document.body.scrollWidth,
    }));
    assert.deepEqual(seen, { inner: width, content: width, body: width }, `${view} at ${width} px scrolls sideways`);
  }
}

/** On a phone the tabs show one part at a time, so each of them is measured. */
async function fitsInAllParts(page, view) {
  for (const part of ["games", "standings", "players"]) {
    await page.setViewportSize({ width: 360, height: 800 });
    await at(page, `tab-${part}`).click();
    await page.locator(`[data-part="${part}"]`).waitFor();
    await fits(page, `${view}, ${part}`);
  }
}

story("no view scrolls sideways on a phone, a tablet or a desk", async ({ profile }) => {
  const phone = await profile("ada", { width: 360, height: 800 });
  const page = await phone.tab();
  await at(page, "demo-ada").waitFor();
  await fits(page, "signing in");
  await signIn(page, "ada");
  await live(page);
  await fits(page, "the list");
  await openFirstSession(page);
  await fitsInAllParts(page, "a session");
});

story("long names and places do not make a view scroll sideways", async ({ profile }) => {
  const phone = await profile("ada", { width: 360, height: 800 });
  const page = await phone.tab();
  await signIn(page, "ada");
  await at(page, "session-place").fill("W".repeat(60));
  await at(page, "new-session").click();
  await at(page, "player-name").fill("W".repeat(40));
  await at(page, "add-player").click();
  await at(page, "player-row").waitFor();
  await fitsInAllParts(page, "a session with long names");
  await page.goto(new URL("/#/", page.url()).href);
  await at(page, "session-row").nth(1).waitFor();
  await fits(page, "the list with a long place");
});

story("an offline page with a refusal and a new game does not scroll sideways", async ({ profile }) => {
  const page = await play(await profile("ada", { width: 360, height: 800 }), "ada");
  await typeScore(page, "a", 104);
  await at(page, "refusal-card").waitFor();
  await at(page, "new-game").click();
  await pullCable(page);
  await at(page, "cached-note").waitFor();
  await fits(page, "a session with a refusal");
});
