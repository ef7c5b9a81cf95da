import { addPoints, deleteGame, setRunning, setScore, stateOf } from "/data.js";
import { ask } from "/dialog.js";
import { redraw } from "/page.js";
import { peopleAt } from "/people.js";
import { h } from "/render.js";
import { mark } from "/views/mark.js";
import { atHand } from "/views/people.js";

/** A scoreboard while it is played, a line with the result afterwards. The scores can always be corrected. */
export function gameCard(game, number, players) {
  return h(
    "article",
    {
      key: game.id,
      class: game.running ? "card game playing" : "card game",
      "aria-label": `Game ${number}`,
      "data-testid": "game-row",
      "data-id": game.id,
      "data-state": stateOf("games", game),
    },
    h(
      "div",
      { class: "game-title" },
      h("span", { class: "number" }, `Game ${number}`),
      game.running && h("span", { key: "running", class: "running" }, "playing now"),
      mark("games", game),
      atHand(peopleAt(game)),
    ),
    h("div", { class: "teams" }, team(game, "a", players), team(game, "b", players)),
    actions(game, number),
  );
}

function team(game, side, players) {
  const column = `score_${side}`;
  const score = game[column];
  const isAhead = score > game[side === "a" ? "score_b" : "score_a"];
  const names = namesOf(game[`team_${side}`], players);
  return h(
    "div",
    { key: side, class: isAhead ? "team ahead" : "team" },
    h("span", { class: "names" }, names),
    game.running && step(game, side, -1, score === 0, `One point less for ${names}`, "−"),
    scoreInput(game, side, column, names),
    game.running && step(game, side, 1, false, `One point for ${names}`, "+1"),
  );
}

function step(game, side, points, disabled, label, text) {
  const name = points > 0 ? "inc" : "dec";
  return h(
    "button",
    {
      key: name,
      class: name,
      disabled,
      "aria-label": label,
      onclick: () => addPoints(game, `score_${side}`, points),
      "data-testid": `${name}-${side}`,
    },
    text,
  );
}

/** Takes three digits, although the database only takes 0 to 99: that is how one sees a refusal. */
function scoreInput(game, side, column, names) {
  const commit = (event) => {
    const text = event.target.value.trim();
    if (/^\d+$/.test(text) && Number(text) !== game[column]) setScore(game, column, Number(text));
    redraw(); // What is not a number goes back to the score.
  };
  return h("input", {
    key: "score",
    class: "score",
    type: "text",
    inputmode: "numeric",
    maxlength: 3,
    autocomplete: "off",
    "aria-label": `Score of ${names}`,
    value: game[column],
    onfocus: (event) => event.target.select(),
    onchange: commit,
    "data-testid": `score-${side}`,
  });
}

function actions(game, number) {
  const remove = async () => {
    if (await ask(`Delete game ${number}?`, "Delete")) deleteGame(game);
  };
  const turn = () => setRunning(game, !game.running);
  return h(
    "div",
    { class: "actions" },
    game.running
      ? h("button", { key: "turn", onclick: turn, "data-testid": "finish" }, "Finish game")
      : h("button", { key: "turn", class: "quiet", onclick: turn, "data-testid": "play-on" }, "Play on"),
    h("button", { class: "quiet", onclick: remove, "data-testid": "delete-game" }, "Delete"),
  );
}

function namesOf(ids, players) {
  return ids.map((id) => players.find((player) => player.id === id)?.name ?? "somebody").join(", ");
}
