import {
  allShow,
  at,
  gameState,
  live,
  pending,
  play,
  plugIn,
  pullCable,
  shows,
  tap,
  typeScore,
} from "../support/pace.mjs";
import { story } from "../support/story.mjs";

story("different columns of one row, edited on both sides offline, both survive", async ({ profile }) => {
  const ada = await play(await profile("ada"), "ada");
  const ben = await play(await profile("ben"), "ben");
  await Promise.all([pullCable(ada), pullCable(ben)]);
  await typeScore(ada, "a", 30);
  await typeScore(ben, "b", 25);
  await shows(ada, 30, 11);
  await shows(ben, 14, 25);
  await Promise.all([pending(ada, 1), pending(ben, 1)]);

  await plugIn(ada);
  await live(ada);
  await plugIn(ben);
  await allShow([ada, ben], 30, 25);
  await Promise.all([live(ada), live(ben)]);
  await Promise.all([gameState(ada, "synced"), gameState(ben, "synced")]);
});

story("points of one side and a finish of the other meet in one row", async ({ profile }) => {
  const ada = await play(await profile("ada"), "ada");
  const ben = await play(await profile("ben"), "ben");
  await Promise.all([pullCable(ada), pullCable(ben)]);
  await tap(ada, "a");
  await at(ben, "finish").click();
  await at(ben, "finish").waitFor({ state: "detached" });

  await Promise.all([plugIn(ada), plugIn(ben)]);
  await Promise.all([live(ada), live(ben)]);
  await Promise.all([ada, ben].map((page) => at(page, "finish").waitFor({ state: "detached" })));
  await allShow([ada, ben], 15, 11);
});
