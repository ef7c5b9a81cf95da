// One evening: games, standings, players. On a phone one of them at a time, on a desk all three.

import { client, deleteSession, games, players } from "/data.js";
import { ask } from "/dialog.js";
import { peopleOn } from "/people.js";
import { h } from "/render.js";
import { gamesSection } from "/views/games.js";
import { mark } from "/views/mark.js";
import { people, peopleTold } from "/views/people.js";
import { playersSection } from "/views/players.js";
import { standingsTable } from "/views/standings-table.js";
import { dayName } from "/words.js";

const SECTIONS = [
  ["games", "Games"],
  ["standings", "Standings"],
  ["players", "Players"],
];

export function session(row, section) {
  const ofSession = (one) => one.session_id === row.id;
  const itsPlayers = players.getSnapshot().filter(ofSession);
  const itsGames = games.getSnapshot().filter(ofSession);
  const here = peopleOn(row);
  return h(
    "div",
    { key: row.id, class: "session", "data-section": section },
    h(
      "div",
      { class: "title" },
      h("a", { class: "back", href: "#/", "aria-label": "All sessions" }, "‹"),
      h(
        "div",
        null,
        h("h1", null, row.place),
        h("p", { class: "facts" }, dayName(row.played_on), mark("sessions", row)),
      ),
      people(here),
      peopleTold(here),
    ),
    h(
      "nav",
      { class: "tabs", "aria-label": "Session" },
      SECTIONS.map(([id, label]) => tab(row, id, label, section)),
    ),
    h(
      "div",
      { class: "columns" },
      part("games", "wide", gamesSection(row, itsGames, itsPlayers)),
      h(
        "div",
        { class: "side" },
        part("standings", "card", standingsTable(itsPlayers, itsGames)),
        part("players", "card", [playersSection(row, itsPlayers, itsGames), deleteButton(row)]),
      ),
    ),
  );
}

function tab(row, id, label, section) {
  const current = id === section ? "page" : null;
  return h("a", { href: `#/${row.id}/${id}`, "aria-current": current, "data-testid": `tab-${id}` }, label);
}

function part(id, className, content) {
  return h("section", { key: id, class: className, "data-part": id, "aria-labelledby": `${id}-heading` }, content);
}

/** The rule in swain.toml decides; this only hides the button. A new row has no created_by until the server fills it. */
function deleteButton(row) {
  const user = client.auth.getSnapshot();
  if (row.created_by !== null && row.created_by !== user.id) return null;
  const remove = async () => {
    if (!(await ask(`Delete the session at ${row.place} with all its games?`, "Delete"))) return;
    deleteSession(row);
    location.hash = "#/";
  };
  return h(
    "button",
    { class: "quiet danger", onclick: remove, "data-testid": "delete-session" },
    "Delete this session",
  );
}
