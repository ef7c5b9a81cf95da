// What the person should know about what is shown. At the foot of the page, so that nothing jumps.

import { client } from "/data.js";
import { page, set } from "/page.js";
import { h } from "/render.js";
import { clock, plural } from "/words.js";

export function notes() {
  const status = client.status.getSnapshot();
  return h(
    "aside",
    { class: "notes", "aria-label": "Notes" },
    notice(),
    memoryNote(status),
    problemNote(status),
    refusedNote(status),
    cachedNote(status),
  );
}

function notice() {
  if (page.notice === null) return null;
  return h(
    "div",
    { key: "notice", class: "note warning", role: "alert", "data-testid": "notice" },
    h("span", null, page.notice),
    h("button", { class: "quiet", onclick: () => set({ notice: null }), "aria-label": "Close the message" }, "OK"),
  );
}

/** The cards are at the top, and whoever scrolled down does not see them come. */
function refusedNote({ refused }) {
  if (refused === 0 || scrollY < 150) return null;
  return h(
    "div",
    { key: "refused", class: "note warning", "data-testid": "refused-note" },
    h("span", null, `${plural(refused, "edit")} not saved.`),
    h("button", { class: "quiet", onclick: () => scrollTo(0, 0) }, "Show"),
  );
}

/** Old data is never shown as current. */
function cachedNote({ state, paused, lastSynced }) {
  if (state === "live" || state === "stopped" || lastSynced === null) return null;
  const since = state === "syncing" ? "catching up…" : `offline since ${clock(lastSynced)}`;
  return h(
    "div",
    { key: "cached", class: "note", role: "status", "data-testid": "cached-note" },
    h("span", null, paused ? "Cable pulled. " : "", `Showing what this phone knows — ${since}.`),
  );
}

function memoryNote({ persistent }) {
  if (persistent) return null;
  return h(
    "div",
    { key: "memory", class: "note warning", "data-testid": "memory-note" },
    h("span", null, "This browser keeps nothing: edits that are not sent are lost when you close the page."),
  );
}

function problemNote({ state, problem }) {
  if (state === "stopped") {
    return h(
      "div",
      { key: "stopped", class: "note warning", role: "alert", "data-testid": "signed-out-note" },
      h("span", null, "Your sign-in has ended. Your edits are safe here."),
      h("button", { onclick: () => set({ isSigningIn: true }) }, "Sign in again"),
    );
  }
  if (problem === null || problem.code !== "quota_exceeded") return null;
  return h(
    "div",
    { key: "problem", class: "note warning", role: "alert", "data-testid": "problem-note" },
    h("span", null, "This device is full: new edits cannot be kept."),
  );
}
