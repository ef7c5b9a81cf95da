import { addPlayer, deletePlayer, setPlaying, stateOf } from "/data.js";
import { say } from "/page.js";
import { h } from "/render.js";
import { mark } from "/views/mark.js";

export function playersSection(session, players, games) {
  return [
    h("h2", { id: "players-heading" }, "Players"),
    h(
      "ul",
      { key: "list", class: "list" },
      players.map((player) => playerRow(player, games)),
    ),
    players.length === 0 && h("p", { key: "empty", class: "empty" }, "Who is playing tonight?"),
    newPlayer(session, players),
  ];
}

function playerRow(player, games) {
  const hasPlayed = games.some(({ team_a, team_b }) => team_a.includes(player.id) || team_b.includes(player.id));
  const id = `player-${player.id}`;
  return h(
    "li",
    {
      key: player.id,
      class: player.playing ? "player" : "player away",
      "data-testid": "player-row",
      "data-id": player.id,
      "data-state": stateOf("players", player),
    },
    h("span", { class: "name", id }, player.name, " ", mark("players", player)),
    !hasPlayed && removeButton(player),
    h(
      "label",
      { class: "switch" },
      h("input", {
        type: "checkbox",
        role: "switch",
        checked: player.playing === true,
        "aria-labelledby": id,
        onchange: (event) => setPlaying(player, event.target.checked),
        "data-testid": "playing",
      }),
      h("span", { class: "track" }),
      h("span", { class: "caption", "aria-hidden": "true" }, player.playing ? "Playing" : "Gone home"),
    ),
  );
}

/** Whoever has played stays on the list, for the standings. */
function removeButton(player) {
  return h(
    "button",
    {
      key: "remove",
      class: "quiet",
      "aria-label": `Remove ${player.name}`,
      onclick: () => deletePlayer(player),
      "data-testid": "remove-player",
    },
    "Remove",
  );
}

function newPlayer(session, players) {
  const add = (event) => {
    event.preventDefault();
    const input = event.target.elements.namedItem("name");
    const name = input.value.trim();
    if (name === "") return;
    if (players.some((player) => player.name.toLowerCase() === name.toLowerCase())) {
      say(`${name} is on the list already. Add an initial to tell them apart.`);
      return;
    }
    addPlayer(session, name);
    input.value = "";
  };
  return h(
    "form",
    { key: "new", class: "new-player", onsubmit: add },
    h(
      "label",
      { class: "field" },
      "Name",
      h("input", { name: "name", required: true, maxlength: 40, autocomplete: "off", "data-testid": "player-name" }),
    ),
    h("button", { class: "primary", "data-testid": "add-player" }, "Add"),
  );
}
