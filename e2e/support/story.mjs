// A test with a server of its own and as many profiles as it asks for. Says what was seen when it fails.

import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Profile } from "./profile.mjs";
import { Server } from "./server.mjs";

const STORY_MS = 90_000;

/** Every story also says that no page complained: no error in the console, none uncaught, no CSP violation. */
export function story(sentence, tell) {
  test(sentence, { timeout: STORY_MS }, async () => {
    const server = await Server.create();
    const profiles = [];
    const profile = async (name, viewport) => {
      const created = await Profile.create(name, server, viewport);
      profiles.push(created);
      return created;
    };
    try {
      await tell({ server, profile });
      const complaints = profiles.flatMap((one) => one.complaints);
      assert.deepEqual(complaints, [], "the pages complained");
    } catch (error) {
      await report(sentence, server, profiles);
      throw error;
    } finally {
      await Promise.all(profiles.map((one) => one.remove()));
      await server.remove();
    }
  });
}

async function report(sentence, server, profiles) {
  const folder = await mkdtemp(join(tmpdir(), "swain-e2e-failed-"));
  console.log(`failed: ${sentence}`);
  console.log(`the server said:\n${server.said}`);
  for (const profile of profiles) {
    console.log(profile.lines.join("\n"));
    for (const [number, page] of profile.pages.entries()) {
      const path = join(folder, `${profile.name}-${number + 1}.png`);
      const shot = page.screenshot({ path, timeout: 5000 });
      await shot.then(
        () => console.log(`screenshot of ${page.url()}: ${path}`),
        (error) => console.log(`no screenshot of ${page.url()}: ${error.message}`),
      );
    }
  }
}
