import assert from "node:assert/strict";
import {
  allShow,
  at,
  gameState,
  live,
  pending,
  play,
  playOn,
  plugIn,
  pullCable,
  shows,
  status,
  tap,
} from "../support/pace.mjs";
import { story } from "../support/story.mjs";

/** Waits until "last synced" is at least or at most as many seconds ago. */
async function syncedAgo(page, { from = 0, to = 59 }) {
  await page.waitForFunction(
    ([least, most]) => {
      const text = document.querySelector('[data-testid="last-synced"]')?.textContent ?? "";
      const seconds = Number(/^last synced (\d+) s ago$/.exec(text)?.[1] ?? Number.NaN);
      return seconds >= least && seconds <= most;
    },
    [from, to],
  );
}

story("the cable takes the page offline, edits are counted, and plugging in sends them", async ({ profile }) => {
  const ada = await play(await profile("ada"), "ada");
  const ben = await play(await profile("ben"), "ben");
  await syncedAgo(ada, { to: 30 });
  await pullCable(ada);
  await at(ada, "cached-note").waitFor();
  assert.match(await at(ada, "cached-note").innerText(), /^Cable pulled\. Showing what this phone knows/);
  for (const count of [1, 2, 3]) {
    await tap(ada, "a");
    await pending(ada, count);
  }
  await gameState(ada, "pending");
  await tap(ben, "b");
  await shows(ben, 14, 12);
  await live(ben);
  await shows(ada, 17, 11);

  await syncedAgo(ada, { from: 3 });
  await plugIn(ada);
  await allShow([ada, ben], 17, 12);
  await live(ada);
  await syncedAgo(ada, { to: 2 });
  await gameState(ada, "synced");
  await at(ada, "cached-note").waitFor({ state: "detached" });
});

story("the cable of one tab is that of all tabs of its profile", async ({ profile }) => {
  const phone = await profile("ada");
  const ada = await play(phone, "ada");
  const second = await playOn(phone);
  const ben = await play(await profile("ben"), "ben");
  await live(second);
  await pullCable(ada);
  await status(second, "offline");
  await tap(second, "b");
  await Promise.all([pending(ada, 1), pending(second, 1)]);
  await tap(ben, "a");
  await live(ben);
  await shows(ben, 15, 11);
  await allShow([ada, second], 14, 12);

  await plugIn(ada);
  await allShow([ada, second, ben], 15, 12);
  await Promise.all([live(ada), live(second)]);
});

story("every tab of a profile shows that the cable is pulled", async ({ profile }) => {
  const phone = await profile("ada");
  const ada = await play(phone, "ada");
  const second = await playOn(phone);
  await live(second);
  await pullCable(ada);
  await status(second, "offline");
  await at(second, "cached-note").waitFor();
  const note = await at(second, "cached-note").innerText();
  const isChecked = await at(second, "cable").isChecked();
  assert.deepEqual({ isChecked, note: note.split(".")[0] }, { isChecked: false, note: "Cable pulled" });
});

story("the Sync button makes everything current", async ({ profile }) => {
  const ada = await play(await profile("ada"), "ada");
  await tap(ada, "a");
  await at(ada, "sync").click();
  await at(ada, "sync").and(ada.locator('[aria-busy="false"]')).waitFor();
  await live(ada);
  await syncedAgo(ada, { to: 2 });
  await shows(ada, 15, 11);
  assert.equal(await at(ada, "notice").count(), 0);
});

story("the Sync button says why nothing was synced", async ({ server, profile }) => {
  const ada = await play(await profile("ada"), "ada");
  await pullCable(ada);
  await tap(ada, "a");
  await at(ada, "sync").click();
  await at(ada, "notice").waitFor();
  assert.match(await at(ada, "notice").innerText(), /The network cable is pulled\. Your edits stay on this device\./);
  await pending(ada, 1);
  await plugIn(ada);
  await live(ada);

  await server.kill();
  await status(ada, "offline");
  await tap(ada, "a");
  await at(ada, "sync").click();
  await at(ada, "notice").waitFor();
  assert.match(await at(ada, "notice").innerText(), /The server was not reached\. Your edits stay on this device\./);
  await pending(ada, 1);
  await server.start();
  await at(ada, "sync").click();
  await live(ada);
  await shows(ada, 16, 11);
});
