// Edits that the server refused. They are rolled back; the wish stays here until somebody decides what becomes of it.

import { client, games, players } from "/data.js";
import { page, set, tell } from "/page.js";
import { h } from "/render.js";
import { reason } from "/words.js";

export function refusals() {
  const letters = client.refused.getSnapshot();
  if (letters.length === 0) return null;
  return h("section", { key: "refusals", class: "refusals", "aria-label": "Not saved" }, letters.map(card));
}

function card(letter) {
  const act = (action) => () => action(letter).catch(tell);
  const isCorrecting = page.correcting === letter.n;
  const data = { "data-testid": "refusal-card", "data-code": letter.code };
  return h(
    "article",
    { key: letter.n, class: "card refusal", "data-columns": letter.constraint?.columns.join(" ") ?? "", ...data },
    h(
      "div",
      { role: "alert" },
      h("h2", null, `Not saved: ${describe(letter.ops[0])}`),
      h(
        "p",
        { "data-testid": "refusal-reason" },
        `${reason(letter.code)} `,
        h("small", null, letter.detail?.message ?? ""),
      ),
    ),
    isCorrecting && correction(letter),
    !isCorrecting &&
      h(
        "div",
        { key: "buttons", class: "buttons" },
        h("button", { class: "primary", onclick: act(retry), "data-testid": "retry" }, "Retry"),
        fieldsOf(letter).length > 0 &&
          h("button", { key: "edit", onclick: () => set({ correcting: letter.n }), "data-testid": "edit" }, "Edit"),
        h("button", { class: "quiet", onclick: act(discard), "data-testid": "discard" }, "Discard"),
      ),
  );
}

/** The same wish as a new edit. */
async function retry({ n }) {
  await client.retry(n);
}

async function discard({ n }) {
  await client.discard(n);
}

function correction(letter) {
  const save = (event) => {
    event.preventDefault();
    const values = new FormData(event.target);
    const corrected = (ops) => ops.map((operation) => withValues(operation, values));
    client.retry(letter.n, corrected).catch(tell);
    set({ correcting: null });
  };
  return h(
    "form",
    { key: "correction", onsubmit: save },
    fieldsOf(letter).map(([column, value]) =>
      h(
        "label",
        { key: column, class: "field" },
        LABELS[column],
        h("input", { name: column, required: true, defaultValue: value, maxlength: 60, "data-testid": "edit-value" }),
      ),
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { class: "primary", "data-testid": "save-edit" }, "Save"),
      h("button", { type: "button", class: "quiet", onclick: () => set({ correcting: null }) }, "Cancel"),
    ),
  );
}

/** What people type; the rest of a row is not theirs to correct here. */
const LABELS = {
  place: "Where",
  played_on: "When",
  name: "Name",
  score_a: "Score, home",
  score_b: "Score, away",
};

function fieldsOf({ ops }) {
  const sets = ops.map((operation) => (operation.insert ?? operation.update ?? {}).set ?? {});
  return Object.entries(Object.assign({}, ...sets)).filter(([column]) => column in LABELS);
}

function withValues(operation, values) {
  const [kind, content] = Object.entries(operation)[0];
  if (content.set === undefined) return operation;
  const set = Object.entries(content.set).map(([column, value]) => {
    const typed = values.get(column);
    if (typed === null) return [column, value];
    return [column, typeof value === "number" ? Number(typed) : typed];
  });
  return { [kind]: { ...content, set: Object.fromEntries(set) } };
}

/** In the words of the page. */
function describe({ insert, update, delete: deleted }) {
  if (insert !== undefined) return `new ${NOUNS[insert.table]} ${insert.set.name ?? insert.set.place ?? ""}`.trim();
  if (deleted !== undefined) return `deleting a ${NOUNS[deleted.table]}`;
  const { table, key, set: values = {}, inc = {} } = update;
  if (table === "players") return players.getSnapshot().find(({ id }) => id === key[0])?.name ?? "a player";
  const [column, value] = Object.entries({ ...values, ...inc })[0];
  if (!column.startsWith("score_")) return `a ${NOUNS[table]}`;
  const isPoint = column in inc;
  return `${isPoint ? "a point" : `score ${value}`} for ${teamNames(key[0], column)}`;
}

const NOUNS = { sessions: "session", players: "player", games: "game" };

function teamNames(gameId, column) {
  const game = games.getSnapshot().find(({ id }) => id === gameId);
  const ids = game?.[column.replace("score", "team")] ?? [];
  const names = players.getSnapshot().filter(({ id }) => ids.includes(id));
  return names.map(({ name }) => name).join(", ") || "a deleted game";
}
