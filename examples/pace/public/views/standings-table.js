import { h } from "/render.js";
import { standings } from "/standings.js";

export function standingsTable(players, games) {
  return [
    h("h2", { id: "standings-heading" }, "Standings"),
    players.length === 0
      ? h("p", { key: "empty", class: "empty" }, "Nobody is here yet.")
      : h("table", { key: "table", class: "standings" }, head(), h("tbody", null, standings(players, games).map(line))),
    h("p", { class: "hint" }, "From the finished games, as they are on this device now."),
  ];
}

function head() {
  const columns = [
    ["Player", "Player"],
    ["W", "Wins"],
    ["L", "Losses"],
    ["+/−", "Point difference"],
    ["Run", "Wins or losses in a row"],
  ];
  return h(
    "thead",
    null,
    h(
      "tr",
      null,
      columns.map(([short, long]) => h("th", { scope: "col" }, h("abbr", { title: long }, short))),
    ),
  );
}

function line({ player, wins, losses, difference, streak }, index) {
  return h(
    "tr",
    { key: player.id, "data-testid": "standings-row", "data-id": player.id },
    h("th", { scope: "row" }, h("span", { class: "rank" }, index + 1), h("span", null, player.name)),
    h("td", null, wins),
    h("td", null, losses),
    h("td", null, signed(difference)),
    h("td", null, h("span", { class: `streak ${streak > 0 ? "up" : "down"}`, hidden: streak === 0 }, run(streak))),
  );
}

function signed(number) {
  if (number === 0) return "0";
  return number > 0 ? `+${number}` : `−${-number}`;
}

function run(streak) {
  return streak > 0 ? `W${streak}` : `L${-streak}`;
}
