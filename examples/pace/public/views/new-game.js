import { addGame } from "/data.js";
import { page, redraw, set } from "/page.js";
import { h } from "/render.js";

const TEAM_MIN = 2;
const SIDES = [
  ["a", "Home"],
  ["", "Bench"],
  ["b", "Away"],
];

/** Puts two teams together. Only this page knows of them until the game starts. */
export function newGame(session, players) {
  const playing = players.filter((player) => player.playing);
  const team = (side) => playing.filter(({ id }) => page.draft.get(id) === side).map(({ id }) => id);
  const [home, away] = [team("a"), team("b")];
  const isReady = home.length >= TEAM_MIN && away.length >= TEAM_MIN;
  const start = (event) => {
    event.preventDefault();
    if (!isReady) return;
    addGame(session, home, away);
    set({ draft: null });
  };
  return h(
    "form",
    { key: "draft", class: "card draft", onsubmit: start, "data-testid": "game-form" },
    h("div", { class: "draft-title" }, h("h3", null, "New game"), shuffleButton(playing)),
    h("ul", { class: "list" }, playing.map(sidePicker)),
    h(
      "p",
      { class: "hint", role: "status" },
      isReady ? `${home.length} against ${away.length}` : "Two or more a side.",
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { class: "primary", disabled: !isReady, "data-testid": "start-game" }, "Start game"),
      h("button", { type: "button", class: "quiet", onclick: () => set({ draft: null }) }, "Cancel"),
    ),
  );
}

function sidePicker(player) {
  return h(
    "li",
    { key: player.id },
    h(
      "fieldset",
      { class: "side-picker", "data-testid": "pick", "data-name": player.name },
      h("legend", null, player.name),
      SIDES.map(([side, label]) =>
        h(
          "label",
          { key: side },
          h("input", {
            type: "radio",
            name: player.id,
            checked: (page.draft.get(player.id) ?? "") === side,
            onchange: () => pick(player, side),
            "data-testid": `pick-${side || "bench"}`,
          }),
          h("span", null, label),
        ),
      ),
    ),
  );
}

function pick(player, side) {
  page.draft.set(player.id, side);
  redraw();
}

function shuffleButton(playing) {
  const shuffle = () => {
    const order = playing.map(({ id }) => [Math.random(), id]).sort(([one], [other]) => one - other);
    // With an odd number of players one sits out.
    const picked = order.slice(0, order.length - (order.length % 2));
    set({ draft: new Map(picked.map(([, id], i) => [id, i % 2 === 0 ? "a" : "b"])) });
  };
  return h("button", { type: "button", onclick: shuffle, "data-testid": "shuffle" }, "Shuffle teams");
}
