// Who leads, from the finished games alone. Pure: rows in, rows out.

/** Best first: `{ player, wins, losses, difference, streak }`. A streak of 2 is two wins, of −2 two losses. */
export function standings(players, games) {
  const lines = new Map(players.map((player) => [player.id, newLine(player)]));
  const inOrder = games.filter((game) => !game.running).sort((one, other) => (one.id < other.id ? -1 : 1));
  for (const game of inOrder) {
    const difference = game.score_a - game.score_b;
    for (const id of game.team_a) count(lines.get(id), difference);
    for (const id of game.team_b) count(lines.get(id), -difference);
  }
  return [...lines.values()].sort(byRank);
}

function newLine(player) {
  return { player, wins: 0, losses: 0, difference: 0, streak: 0 };
}

function count(line, difference) {
  if (line === undefined) return; // Somebody who is no longer on the list.
  line.difference += difference;
  if (difference > 0) line.wins += 1;
  if (difference < 0) line.losses += 1;
  const side = Math.sign(difference);
  line.streak = Math.sign(line.streak) === side ? line.streak + side : side;
}

function byRank(one, other) {
  return (
    other.wins - one.wins ||
    one.losses - other.losses ||
    other.difference - one.difference ||
    one.player.name.localeCompare(other.player.name)
  );
}
