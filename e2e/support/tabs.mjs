// Which tab of a profile speaks to the server, and how tabs end without a word.

import { once } from "node:events";

/** The leader holds the Web Lock of the store. A lock of our own tells which client this page is. */
export async function leads(page) {
  return page.evaluate(async () => {
    const probe = `probe ${Math.random()}`;
    return navigator.locks.request(probe, async () => {
      const { held } = await navigator.locks.query();
      const own = held.find(({ name }) => name === probe).clientId;
      const isOfStore = ({ name }) => name.startsWith("swain:") && !name.startsWith("swain:auth:");
      return held.some((lock) => isOfStore(lock) && lock.clientId === own);
    });
  });
}

/** The process of the tab dies: no event, no last message. */
export async function crash(page) {
  const crashed = once(page, "crash");
  const session = await page.context().newCDPSession(page);
  // The answer never comes: who would give it is dead.
  session.send("Page.crash").catch(() => undefined);
  await crashed;
}

/** Pages with the leader first. */
export async function leaderFirst(pages) {
  const leading = await Promise.all(pages.map(leads));
  if (leading.filter(Boolean).length !== 1)
    throw new Error(`${leading.filter(Boolean).length} tabs lead instead of one`);
  const leader = pages[leading.indexOf(true)];
  return [leader, ...pages.filter((page) => page !== leader)];
}

/** Waits until as many edits are on disk, which is when the client promises them (C2). The page does not show it. */
export async function saved(page, count) {
  await page.waitForFunction(async (wanted) => {
    const done = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    let found = 0;
    for (const { name } of await indexedDB.databases()) {
      const database = await done(indexedDB.open(name));
      if (database.objectStoreNames.contains("outbox")) {
        found += await done(database.transaction("outbox").objectStore("outbox").count());
      }
      database.close();
    }
    return found >= wanted;
  }, count);
}
