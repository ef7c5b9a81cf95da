import { allShow, at, live, play, playOn, shows, tap } from "../support/pace.mjs";
import { story } from "../support/story.mjs";

story("an edit in one tab shows in the other tab and in the other profile", async ({ profile }) => {
  const [phone, desk] = [await profile("ada"), await profile("ben")];
  const ada = await play(phone, "ada");
  const second = await playOn(phone);
  const ben = await play(desk, "ben");
  await allShow([ada, second, ben], 14, 11);
  await at(ben, "person").getByText("Ada", { exact: true }).waitFor();
  await at(ada, "person").getByText("Ben", { exact: true }).waitFor();

  await tap(ada, "a");
  await allShow([ada, second, ben], 15, 11);
  await tap(second, "b");
  await allShow([ada, second, ben], 15, 12);
  await tap(ben, "a");
  await allShow([ada, second, ben], 16, 12);
});

story("points that are tapped at the same time all count", async ({ profile }) => {
  const ada = await play(await profile("ada"), "ada");
  const ben = await play(await profile("ben"), "ben");
  // One mouse per page: two clicks at once on one page would mix up their presses and releases.
  const both = async (page) => {
    await tap(page, "a");
    await tap(page, "b");
  };
  await Promise.all([both(ada), both(ben)]);
  await allShow([ada, ben], 16, 13);
  await Promise.all([live(ada), live(ben)]);
  await shows(ada, 16, 13);
});
