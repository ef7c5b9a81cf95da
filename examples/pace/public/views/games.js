import { page, set } from "/page.js";
import { h } from "/render.js";
import { gameCard } from "/views/game-card.js";
import { newGame } from "/views/new-game.js";
import { plural } from "/words.js";

/** `games` newest first. */
export function gamesSection(session, games, players) {
  const cards = games.map((game, i) => [game, games.length - i]);
  const running = cards.filter(([game]) => game.running);
  const finished = cards.filter(([game]) => !game.running);
  const card = ([game, number]) => gameCard(game, number, players);
  return [
    h("h2", { id: "games-heading", class: "unseen" }, "Games"),
    running.map(card),
    page.draft === null ? newGameButton(players) : newGame(session, players),
    finished.length > 0 && h("h3", { key: "finished", class: "divider" }, plural(finished.length, "finished game")),
    finished.map(card),
    games.length === 0 && empty(session, players),
  ];
}

function newGameButton(players) {
  const playing = players.filter((player) => player.playing);
  if (playing.length < 4) return null;
  const start = () => set({ draft: new Map() });
  return h("button", { key: "new-game", class: "primary big", onclick: start, "data-testid": "new-game" }, "New game");
}

function empty(session, players) {
  if (players.filter((player) => player.playing).length >= 4) {
    return h("p", { key: "empty", class: "empty" }, "No game yet. Pick two teams and start.");
  }
  return h(
    "div",
    { key: "empty", class: "empty" },
    h("p", null, "A game needs four players or more."),
    h("a", { class: "button narrow", href: `#/${session.id}/players` }, "Add players"),
  );
}
