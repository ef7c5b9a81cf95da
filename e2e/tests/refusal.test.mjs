import assert from "node:assert/strict";
import { allShow, at, gameState, live, pending, play, plugIn, pullCable, shows, typeScore } from "../support/pace.mjs";
import { story } from "../support/story.mjs";

const WHY = /a score is between 0 and 99/;

async function saysWhy(page) {
  await at(page, "refusal-card").waitFor();
  assert.equal(await at(page, "refusal-card").getAttribute("data-code"), "check_failed");
  assert.match(await at(page, "refusal-reason").innerText(), WHY);
}

story("an edit that the database refuses rolls back, says why, and can be discarded", async ({ profile }) => {
  const ada = await play(await profile("ada"), "ada");
  const ben = await play(await profile("ben"), "ben");
  await typeScore(ada, "a", 104);
  await saysWhy(ada);
  await shows(ada, 14, 11);
  await gameState(ada, "refused");

  const first = await at(ada, "refusal-card").elementHandle();
  await at(ada, "retry").click();
  await ada.waitForFunction((card) => !card.isConnected, first);
  await saysWhy(ada);
  await shows(ada, 14, 11);
  assert.equal(await at(ada, "refusal-card").count(), 1);

  await at(ada, "discard").click();
  await at(ada, "refusal-card").waitFor({ state: "detached" });
  await gameState(ada, "synced");
  await live(ada);
  await shows(ben, 14, 11);
  assert.equal(await at(ben, "refusal-card").count(), 0, "a refusal is a matter of who made the edit");
});

story("an edit that was made offline is refused later, and the edits after it are kept", async ({ profile }) => {
  const ada = await play(await profile("ada"), "ada");
  const ben = await play(await profile("ben"), "ben");
  await pullCable(ada);
  await typeScore(ada, "a", 104);
  await shows(ada, 104, 11);
  await typeScore(ada, "b", 20);
  await pending(ada, 2);

  await plugIn(ada);
  await saysWhy(ada);
  await allShow([ada, ben], 14, 20);
  await pending(ada, 0);

  await ada.reload();
  await saysWhy(ada);
  await shows(ada, 14, 20);
});

story("a refused edit is corrected and saved", async ({ profile }) => {
  const ada = await play(await profile("ada"), "ada");
  const ben = await play(await profile("ben"), "ben");
  await typeScore(ada, "a", 104);
  await saysWhy(ada);
  await at(ada, "edit").click();
  await at(ada, "edit-value").fill("19");
  await at(ada, "save-edit").click();
  await allShow([ada, ben], 19, 11);
  await at(ada, "refusal-card").waitFor({ state: "detached" });
  await live(ada);
});
