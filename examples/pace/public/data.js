// Everything that this page wants of Swain: which rows it holds, what it watches, what it changes.

import { tell } from "/page.js";
import { createClient } from "/swain.js";

/** This device holds all rows of three tables, as far as the person may read them. */
export const client = createClient({
  shapes: [{ table: "sessions" }, { table: "players" }, { table: "games" }],
});

// Live queries: `getSnapshot()` gives the rows as they are now, `subscribe()` tells when they change.
export const sessions = client.query("sessions", {
  orderBy: [
    ["played_on", "desc"],
    ["id", "desc"],
  ],
});
export const players = client.query("players", { orderBy: [["name", "asc"]] });
export const games = client.query("games", { orderBy: [["id", "desc"]] });

/** Calls when anything that is shown may have changed. */
export function watch(call) {
  for (const watched of [client.auth, client.status, client.refused, sessions, players, games]) watched.subscribe(call);
}

/** "synced", "pending" (not acknowledged by the server yet) or "refused". */
export const stateOf = (table, row) => client.rowState(table, row.id);

// Edits. Each is visible when the call returns, with or without a network.

/** Returns the id: the page goes there. */
export function addSession(place, playedOn) {
  const id = newId();
  edit(() => client.table("sessions").insert({ id, place, played_on: playedOn }));
  return id;
}

export function deleteSession(session) {
  edit(() => client.table("sessions").delete(session.id));
}

/** Without an id, Swain makes one. */
export function addPlayer(session, name) {
  edit(() => client.table("players").insert({ session_id: session.id, name, playing: true }));
}

export function setPlaying(player, playing) {
  edit(() => client.table("players").update(player.id, { playing }));
}

export function deletePlayer(player) {
  edit(() => client.table("players").delete(player.id));
}

export function addGame(session, teamA, teamB) {
  const teams = { team_a: teamA, team_b: teamB };
  edit(() => client.table("games").insert({ session_id: session.id, ...teams, score_a: 0, score_b: 0, running: true }));
}

/** A point is added, not set: when two phones tap at the same time, both count. */
export function addPoints(game, column, points) {
  edit(() => client.table("games").update(game.id, { inc: { [column]: points } }));
}

export function setScore(game, column, score) {
  edit(() => client.table("games").update(game.id, { [column]: score }));
}

export function setRunning(game, running) {
  edit(() => client.table("games").update(game.id, { running }));
}

export function deleteGame(game) {
  edit(() => client.table("games").delete(game.id));
}

/** What the server refuses comes back in `client.refused`; here is what this device cannot do. */
function edit(change) {
  try {
    change().saved.catch(tell);
  } catch (error) {
    tell(error);
  }
}

/** UUIDv7, as Swain makes them: 48 bits of time, then chance. */
function newId() {
  const time = Date.now().toString(16).padStart(12, "0");
  const chance = Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(16).padStart(2, "0"));
  const digits = chance.join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits.slice(0, 3)}-8${digits.slice(3, 6)}-${digits.slice(6)}`;
}
