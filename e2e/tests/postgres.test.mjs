import assert from "node:assert/strict";
import { test } from "node:test";
import { allShow, gameState, live, pending, play, plugIn, pullCable, shows, tap, typeScore } from "../support/pace.mjs";
import { PaceOnPostgres } from "../support/postgres.mjs";
import { Profile } from "../support/profile.mjs";

test("Pace on PostgreSQL: two servers, another program, and a server that dies", { timeout: 90_000 }, async () => {
  const pace = await PaceOnPostgres.create();
  const profiles = [];
  try {
    const [first, second] = [await pace.serve(), await pace.serve()];
    profiles.push(await Profile.create("ada", first), await Profile.create("ben", second));
    const [ada, ben] = [await play(profiles[0], "ada"), await play(profiles[1], "ben")];
    await allShow([ada, ben], 14, 11);

    await tap(ada, "a");
    await tap(ben, "b");
    await allShow([ada, ben], 15, 12);
    pace.sql("UPDATE games SET score_a = 20 WHERE running");
    await allShow([ada, ben], 20, 12);

    // Different columns of one row, edited on both sides without a line.
    await Promise.all([pullCable(ada), pullCable(ben)]);
    await typeScore(ada, "a", 30);
    await typeScore(ben, "b", 25);
    await Promise.all([pending(ada, 1), pending(ben, 1)]);
    await plugIn(ada);
    await plugIn(ben);
    await allShow([ada, ben], 30, 25);

    await first.kill();
    await tap(ada, "a");
    await pending(ada, 1);
    await first.start();
    await allShow([ada, ben], 31, 25);
    await Promise.all([live(ada), live(ben)]);
    await Promise.all([gameState(ada, "synced"), gameState(ben, "synced")]);
    await shows(ada, 31, 25);
    assert.equal(pace.sql("SELECT score_a, score_b FROM games WHERE running").trim(), "31|25");
    assert.deepEqual(profiles.flatMap((profile) => profile.complaints), [], "the pages complained");
  } finally {
    await Promise.all(profiles.map((profile) => profile.remove()));
    await pace.remove();
  }
});
