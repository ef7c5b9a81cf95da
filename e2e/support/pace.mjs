// What people do in Pace and what they see there. Every wait is for a state of the page.

export const at = (page, id) => page.locator(`[data-testid="${id}"]`);

/** The game that is being played: it is the first. */
const game = (page) => at(page, "game-row").first();
const inGame = (page, id) => game(page).locator(`[data-testid="${id}"]`);

/** As one of the people of the demo: "ada", "ben" or "cleo". */
export async function signIn(page, who) {
  await at(page, `demo-${who}`).click();
  await at(page, "session-row").first().waitFor();
}

export async function signOut(page) {
  await at(page, "sign-out").click();
  await at(page, "demo-ada").waitFor();
}

export async function openFirstSession(page) {
  await at(page, "session-row").first().click();
  await game(page).waitFor();
}

/** A tab that shows the games, of a person who signs in for it. */
export async function play(profile, who) {
  const page = await profile.tab();
  await signIn(page, who);
  await openFirstSession(page);
  await live(page);
  return page;
}

/** One more tab of a profile where somebody is signed in. */
export async function playOn(profile) {
  const page = await profile.tab();
  await openFirstSession(page);
  return page;
}

/** Adds a point to team "a" or "b", with the button. */
export async function tap(page, team) {
  await inGame(page, `inc-${team}`).click();
}

export async function typeScore(page, team, score) {
  await inGame(page, `score-${team}`).fill(String(score));
  await page.keyboard.press("Enter");
}

export async function scoreOf(page, team) {
  return Number(await inGame(page, `score-${team}`).inputValue());
}

/** Waits until a page shows the scores. */
export async function shows(page, a, b) {
  await page
    .waitForFunction((wanted) => {
      const first = document.querySelector('[data-testid="game-row"]');
      const score = (team) => first?.querySelector(`[data-testid="score-${team}"]`)?.value;
      return `${score("a")}:${score("b")}` === wanted;
    }, `${a}:${b}`)
    .catch(async (error) => {
      const seen = `${await scoreOf(page, "a")}:${await scoreOf(page, "b")}`;
      throw new Error(`the page shows ${seen} instead of ${a}:${b}`, { cause: error });
    });
}

export async function allShow(pages, a, b) {
  await Promise.all(pages.map((page) => shows(page, a, b)));
}

/** Waits for the state of the pill: live, syncing, connecting, offline or stopped. */
export async function status(page, state) {
  await page.locator(`[data-testid="status"][data-state="${state}"]`).waitFor();
}

/** Connected, current, and nothing waits. */
export async function live(page) {
  await status(page, "live");
  await pending(page, 0);
}

/** Waits until as many edits are not acknowledged. */
export async function pending(page, count) {
  await page.waitForFunction(
    (wanted) => document.querySelector('[data-testid="pending-count"]')?.textContent === wanted,
    String(count),
  );
}

/** Waits until the running game is synced, pending or refused. */
export async function gameState(page, state) {
  await page.waitForFunction(
    (wanted) => document.querySelector('[data-testid="game-row"]')?.dataset.state === wanted,
    state,
  );
}

export async function pullCable(page) {
  await at(page, "cable").uncheck();
  await status(page, "offline");
}

export async function plugIn(page) {
  await at(page, "cable").check();
}

/** The page itself opens without a network once the service worker has its copy. */
export async function shellKept(page) {
  await page.waitForFunction(async () => {
    const registration = await navigator.serviceWorker.ready;
    return registration.active?.state === "activated" && navigator.serviceWorker.controller !== null;
  });
}
