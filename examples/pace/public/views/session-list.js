import { addSession, games, players, sessions } from "/data.js";
import { peopleOn } from "/people.js";
import { h } from "/render.js";
import { mark } from "/views/mark.js";
import { people } from "/views/people.js";
import { dayName, plural, today } from "/words.js";

export function sessionList() {
  const rows = sessions.getSnapshot();
  return h(
    "div",
    { key: "sessions", class: "columns" },
    h(
      "section",
      { class: "wide", "aria-labelledby": "sessions" },
      h("h1", { id: "sessions" }, "Sessions"),
      rows.length === 0
        ? h("p", { key: "empty", class: "empty" }, "No evening yet. Start one: a place and a date are enough.")
        : h("ul", { key: "list", class: "list" }, rows.map(sessionRow)),
    ),
    h("section", { class: "side card" }, newSession()),
  );
}

function sessionRow(session) {
  const ofSession = (row) => row.session_id === session.id;
  const playing = players.getSnapshot().filter(ofSession).length;
  const played = games.getSnapshot().filter(ofSession);
  const isRunning = played.some((game) => game.running);
  return h(
    "li",
    { key: session.id },
    h(
      "a",
      { class: "card session-row", href: `#/${session.id}`, "data-testid": "session-row", "data-id": session.id },
      h("span", { class: "day" }, dayName(session.played_on)),
      h("span", { class: "place" }, session.place),
      h(
        "span",
        { class: "facts" },
        `${plural(playing, "player")} · ${plural(played.length, "game")}`,
        isRunning && h("span", { key: "running", class: "running" }, "playing now"),
        mark("sessions", session),
      ),
      people(peopleOn(session)),
    ),
  );
}

function newSession() {
  return h(
    "form",
    { onsubmit: handleSubmit },
    h("h2", null, "New session"),
    h(
      "label",
      { class: "field" },
      "Where",
      h("input", {
        name: "place",
        required: true,
        maxlength: 60,
        placeholder: "Riverside court 2",
        autocomplete: "off",
        "data-testid": "session-place",
      }),
    ),
    h(
      "label",
      { class: "field" },
      "When",
      h("input", { name: "date", type: "date", required: true, defaultValue: today(), "data-testid": "session-date" }),
    ),
    h("button", { class: "primary", "data-testid": "new-session" }, "Start session"),
  );
}

function handleSubmit(event) {
  event.preventDefault();
  const { place, date } = Object.fromEntries(new FormData(event.target));
  if (place.trim() === "") return;
  location.hash = `#/${addSession(place.trim(), date)}/players`;
  event.target.reset();
}
