import assert from "node:assert/strict";
import { at, live, play, shows, signIn, signOut } from "../support/pace.mjs";
import { story } from "../support/story.mjs";

const MEMBERS = ["Mia", "Noé", "Ole", "Pia"];

story("a new account starts a session from nothing to its first game, which others see", async ({ profile }) => {
  const ben = await play(await profile("ben"), "ben");
  assert.equal(await at(ben, "delete-session").count(), 0, "only who made a session may delete it");
  const page = await (await profile("zoe")).tab();
  await at(page, "switch-form").click();
  await at(page, "name").fill("Zoe");
  await at(page, "email").fill("zoe@example.com");
  await at(page, "password").fill("correct horse");
  await at(page, "sign-up").click();
  await live(page);
  assert.equal(await at(page, "user-name").innerText(), "Zoe");

  await at(page, "session-place").fill("Parc Güell <b>rooftop</b>");
  await at(page, "new-session").click();
  await page.getByText("Who is playing tonight?").waitFor();
  await page.getByText("A game needs four players or more.").waitFor();
  for (const name of MEMBERS) {
    await at(page, "player-name").fill(name);
    await at(page, "add-player").click();
    await at(page, "player-row").filter({ hasText: name }).waitFor();
  }
  await page.getByText("No game yet. Pick two teams and start.").waitFor();
  await at(page, "new-game").click();
  await at(page, "shuffle").click();
  await at(page, "start-game").click();
  await at(page, "game-row").waitFor();
  await live(page);

  await ben.goto(page.url());
  await at(ben, "inc-a").click();
  await shows(page, 1, 0);
  await ben.getByText("Parc Güell <b>rooftop</b>").waitFor();
});

story("without any session the list says how to start one", async ({ profile }) => {
  const page = await play(await profile("ada"), "ada");
  const ben = await play(await profile("ben"), "ben");
  await at(page, "delete-session").click();
  await at(page, "confirm-yes").click();
  await page.getByText("No evening yet. Start one: a place and a date are enough.").waitFor();
  await ben.getByText("This session is not here").waitFor();
  await live(page);
  await page.reload();
  await page.getByText("No evening yet.").waitFor();
  assert.equal(await at(page, "session-row").count(), 0);
});

story("a wrong password is told, and a right one lets in", async ({ profile }) => {
  const phone = await profile("ada");
  // Chromium itself reports every answer of 400 and above.
  phone.expect(/status of 401 .*\/api\/auth\/login/);
  const page = await phone.tab();
  await at(page, "email").fill("ada@example.com");
  await at(page, "password").fill("wrong-one");
  await at(page, "sign-in").click();
  await at(page, "sign-in-error").waitFor();
  assert.match(await at(page, "sign-in-error").innerText(), /The e-mail address or the password is wrong\./);
  await signIn(page, "ada");
  await live(page);
  await signOut(page);
});
