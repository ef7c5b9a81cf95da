import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  allShow,
  at,
  live,
  openFirstSession,
  pending,
  play,
  pullCable,
  shows,
  signIn,
  signOut,
  tap,
} from "../support/pace.mjs";
import { spec } from "../support/spec.mjs";
import { story } from "../support/story.mjs";

/** With edits that are not sent, Pace asks first. */
async function signOutAnyway(page) {
  await at(page, "sign-out").click();
  await at(page, "confirm-yes").click();
  await at(page, "demo-ada").waitFor();
}

story("unsent edits are hidden from the next person and are sent when their owner returns", async ({ profile }) => {
  const page = await play(await profile("shared"), "ada");
  const ben = await play(await profile("ben"), "ben");
  await pullCable(page);
  await tap(page, "a");
  await tap(page, "a");
  await shows(page, 16, 11);
  await pending(page, 2);
  await signOutAnyway(page);

  await signIn(page, "cleo");
  assert.equal(await at(page, "user-name").innerText(), "Cleo");
  await openFirstSession(page);
  await live(page);
  await shows(page, 14, 11);
  await page.reload();
  await live(page);
  await shows(page, 14, 11);
  await tap(page, "b");
  await allShow([page, ben], 14, 12);
  await live(page);
  await signOut(page);

  await signIn(page, "ada");
  assert.equal(await at(page, "user-name").innerText(), "Ada");
  await openFirstSession(page);
  await allShow([page, ben], 16, 12);
  await live(page);
});

story("a refused edit is hidden from the next person and waits for its owner", async ({ profile }) => {
  const page = await play(await profile("shared"), "ada");
  await at(page, "score-a").first().fill("104");
  await page.keyboard.press("Enter");
  await at(page, "refusal-card").waitFor();
  await signOut(page);
  await signIn(page, "ben");
  await live(page);
  assert.equal(await at(page, "refusal-card").count(), 0);
  await signOut(page);
  await signIn(page, "ada");
  await at(page, "refusal-card").waitFor();
});

story("signing out with unsent edits asks first, and no means no", async ({ profile }) => {
  const page = await play(await profile("ada"), "ada");
  await pullCable(page);
  await tap(page, "a");
  await pending(page, 1);
  await at(page, "sign-out").click();
  await at(page, "confirm-no").click();
  await shows(page, 15, 11);
  assert.equal(await at(page, "user-name").innerText(), "Ada");
});

story("a token that the server does not take any longer is renewed without a word", async ({ server, profile }) => {
  spec("P18", "C8");
  const phone = await profile("ada");
  // The browser says so by itself when it is a request that is refused, and not a socket.
  phone.expect(/status of 401 .*\/api\/sync\//);
  const ada = await play(phone, "ada");

  // Another secret: what was signed with the old one is worth nothing. Refresh tokens are in the database.
  await server.kill();
  await rm(join(server.data, "jwt.secret"));
  await tap(ada, "a");
  await server.start();

  await live(ada);
  await shows(ada, 15, 11);
  assert.equal(await at(ada, "user-name").innerText(), "Ada");
  assert.equal(await at(ada, "signed-out-note").count(), 0);
});
