import assert from "node:assert/strict";
import {
  allShow,
  live,
  pending,
  play,
  playOn,
  plugIn,
  pullCable,
  shellKept,
  shows,
  status,
  tap,
} from "../support/pace.mjs";
import { story } from "../support/story.mjs";
import { crash, leaderFirst, leads, saved } from "../support/tabs.mjs";

/** Two tabs of Ada, the leader first, and a page of Ben. */
async function cast(profile) {
  const phone = await profile("ada");
  const tabs = [await play(phone, "ada"), await playOn(phone)];
  await Promise.all(tabs.map(live));
  const ben = await play(await profile("ben"), "ben");
  return [...(await leaderFirst(tabs)), ben];
}

story("a leading tab that crashes with unsent edits loses nothing", async ({ server, profile }) => {
  const [leader, other, ben] = await cast(profile);
  await server.kill();
  await Promise.all([status(leader, "offline"), status(other, "offline")]);
  await tap(leader, "a");
  await tap(leader, "a");
  await tap(other, "b");
  await allShow([leader, other], 16, 12);
  await pending(other, 3);

  await crash(leader);
  await tap(other, "a");
  await shows(other, 17, 12);
  await pending(other, 4);
  await server.start();
  await allShow([other, ben], 17, 12);
  await live(other);
  assert.ok(await leads(other), "the other tab took over");
});

story("a leading tab that crashes while it is connected hands over to the other tab", async ({ profile }) => {
  const [leader, other, ben] = await cast(profile);
  await tap(leader, "a");
  // The client promises an edit once it is on disk (C2); only then the other tab hears of it.
  await allShow([leader, other], 15, 11);
  await crash(leader);
  await tap(other, "b");
  await allShow([other, ben], 15, 12);
  await tap(ben, "b");
  await allShow([other, ben], 15, 13);
  await live(other);
  assert.ok(await leads(other), "the other tab took over");
});

story("a leading tab that is closed with the cable out leaves its edits to the other tab", async ({ profile }) => {
  const [leader, other, ben] = await cast(profile);
  await pullCable(leader);
  await tap(leader, "a");
  await shows(leader, 15, 11);
  await pending(leader, 1);
  await saved(leader, 1);
  await leader.close({ runBeforeUnload: false });
  await pending(other, 1);
  await shows(other, 15, 11);
  // The cable is that of the profile, so it is still out.
  await pullCable(other);
  await plugIn(other);
  await allShow([other, ben], 15, 11);
  await live(other);
});

story("a single tab that crashes with unsent edits finds them when it is opened again", async ({ server, profile }) => {
  const phone = await profile("ada");
  const ada = await play(phone, "ada");
  const ben = await play(await profile("ben"), "ben");
  await shellKept(ada);
  await server.kill();
  await status(ada, "offline");
  await tap(ada, "a");
  await pending(ada, 1);
  await shows(ada, 15, 11);
  await saved(ada, 1);
  await crash(ada);

  const again = await playOn(phone);
  await shows(again, 15, 11);
  await pending(again, 1);
  await server.start();
  await allShow([again, ben], 15, 11);
});

story("the cable that is plugged in again sends what a crash interrupted", async ({ profile }) => {
  const phone = await profile("ada");
  const ada = await play(phone, "ada");
  const ben = await play(await profile("ben"), "ben");
  await pullCable(ada);
  await tap(ada, "b");
  await shows(ada, 14, 12);
  await pending(ada, 1);
  await saved(ada, 1);
  await plugIn(ada);
  await crash(ada);
  const again = await playOn(phone);
  await allShow([again, ben], 14, 12);
  await live(again);
});
