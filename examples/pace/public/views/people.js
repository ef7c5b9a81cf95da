import { h } from "/render.js";

/** More would not fit on a phone. */
const SHOWN_MAX = 3;

/** Circles with initials, for those who see; names, for those who hear. */
export function people(names) {
  return h(
    "ul",
    { key: "people", class: "people", hidden: names.length === 0, "aria-label": "Also here", "data-testid": "people" },
    names.slice(0, SHOWN_MAX).map((name) => person(name, initials(name))),
    names.length > SHOWN_MAX && person(names.slice(SHOWN_MAX).join(", "), `+${names.length - SHOWN_MAX}`),
  );
}

function person(name, mark) {
  return h(
    "li",
    { title: name, "data-testid": "person" },
    h("span", { class: "initials", "aria-hidden": "true" }, mark),
    h("span", { class: "unseen" }, name),
  );
}

/** Read out when it changes. */
export function peopleTold(names) {
  const text = names.length === 0 ? "" : `Also here: ${names.join(", ")}`;
  return h("p", { key: "people-told", class: "unseen", role: "status" }, text);
}

/** Who has a game in hand, on its card. */
export function atHand(names) {
  if (names.length === 0) return null;
  return h(
    "span",
    { key: "at-hand", class: "at-hand", title: "have this game in hand", "data-testid": "at-hand" },
    h("span", { class: "unseen" }, "In the hands of "),
    names.join(", "),
  );
}

function initials(name) {
  const words = name.split(/\s+/).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join("");
}
