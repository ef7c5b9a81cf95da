// Who else is here: which session others look at, and which game they have in hand. Told by the server while it lasts,
// and kept nowhere.

import { client } from "/data.js";
import { route } from "/page.js";
import { joinRoom } from "/swain-presence.js";

/** Everybody who may read sessions is in one room; the row is the session that somebody looks at. */
const room = joinRoom(client, "sessions");

export const onPeople = room.others.subscribe;

/** Says where this page is. Moving on is said at once, however often. */
export function tellWhere() {
  const { sessionId } = route();
  const game = document.activeElement?.closest("[data-testid=game-row]")?.dataset.id ?? null;
  room.set({ row: sessionId === "" ? null : sessionId, game });
}

/** The names of the others on a session; a person with two tabs is there once. */
export function peopleOn(session) {
  return namesOf(room.others.getSnapshot().filter(({ row }) => row?.[0] === session.id));
}

/** Those who have this game in hand. */
export function peopleAt(game) {
  return namesOf(room.others.getSnapshot().filter(({ state }) => state.game === game.id));
}

function namesOf(others) {
  return [...new Map(others.map(({ user, name }) => [user, name ?? "Somebody"])).values()];
}
