import assert from "node:assert/strict";
import {
  allShow,
  at,
  gameState,
  live,
  pending,
  play,
  playOn,
  shellKept,
  shows,
  status,
  tap,
} from "../support/pace.mjs";
import { story } from "../support/story.mjs";
import { saved } from "../support/tabs.mjs";

story(
  "everybody keeps editing while the server is dead, and all agree when it is back",
  async ({ server, profile }) => {
    const ada = await play(await profile("ada"), "ada");
    const ben = await play(await profile("ben"), "ben");
    await Promise.all([shellKept(ada), shellKept(ben)]);

    await server.kill();
    await Promise.all([status(ada, "offline"), status(ben, "offline")]);
    await tap(ada, "a");
    await tap(ada, "a");
    await tap(ben, "a");
    await tap(ben, "b");
    await shows(ada, 16, 11);
    await shows(ben, 15, 12);
    await Promise.all([pending(ada, 2), pending(ben, 2)]);
    await gameState(ada, "pending");

    await Promise.all([ada.reload(), ben.reload()]);
    await shows(ada, 16, 11);
    await shows(ben, 15, 12);
    await Promise.all([pending(ada, 2), pending(ben, 2)]);

    await server.start();
    await allShow([ada, ben], 17, 12);
    await Promise.all([live(ada), live(ben)]);
    await allShow([ada, ben], 17, 12);
    await Promise.all([gameState(ada, "synced"), gameState(ben, "synced")]);
  },
);

story("what the server acknowledged survives its death", async ({ server, profile }) => {
  const ada = await play(await profile("ada"), "ada");
  await tap(ada, "b");
  await live(ada);
  await server.kill();
  await server.start();
  const ben = await play(await profile("ben"), "ben");
  await shows(ben, 14, 12);
});

story("a reload without a server shows the data and says that it is cached", async ({ server, profile }) => {
  const ada = await play(await profile("ada"), "ada");
  await shellKept(ada);
  assert.equal(await at(ada, "cached-note").count(), 0, "live data is not called cached");

  await server.stop();
  await status(ada, "offline");
  await ada.reload();
  await shows(ada, 14, 11);
  await status(ada, "offline");
  assert.match(await at(ada, "cached-note").innerText(), /Showing what this phone knows — offline since \d\d:\d\d/);
  assert.match(await at(ada, "last-synced").innerText(), /last synced \d+ (s|min) ago/);
  assert.equal(await at(ada, "game-row").count(), 5);

  await server.start();
  await live(ada);
  await at(ada, "cached-note").waitFor({ state: "detached" });
});

story("a browser that starts without a server has the data and the unsent edits", async ({ server, profile }) => {
  const phone = await profile("ada");
  const ada = await play(phone, "ada");
  const ben = await play(await profile("ben"), "ben");
  await shellKept(ada);
  await server.kill();
  await status(ada, "offline");
  await tap(ada, "a");
  await shows(ada, 15, 11);
  await pending(ada, 1);
  await saved(ada, 1);

  await phone.close();
  await phone.open();
  const again = await playOn(phone);
  await shows(again, 15, 11);
  await pending(again, 1);
  await at(again, "cached-note").waitFor();

  await server.start();
  await allShow([again, ben], 15, 11);
  await live(again);
});
