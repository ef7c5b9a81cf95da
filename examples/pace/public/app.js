// Starts the client, and draws the page whenever something changes.

import { client, sessions, watch } from "/data.js";
import { onDraw, page, redraw, route, set } from "/page.js";
import { onPeople, tellWhere } from "/people.js";
import { h, render } from "/render.js";
import { header } from "/views/header.js";
import { notes } from "/views/notes.js";
import { refusals } from "/views/refusals.js";
import { session } from "/views/session.js";
import { sessionList } from "/views/session-list.js";
import { signIn } from "/views/sign-in.js";

const root = document.querySelector("#page");

onDraw(() => render(root, view()));
watch(redraw);
onPeople(redraw);
tellWhere();
for (const event of ["hashchange", "focusin", "focusout"]) addEventListener(event, () => setTimeout(tellWhere));
addEventListener("hashchange", () => {
  set({ draft: null, notice: null });
  scrollTo(0, 0);
});
setInterval(redraw, 1000); // "12 s ago"

// What this device holds is shown first; then the client connects, and goes on trying for ever.
client.start().then(
  () => set({ isOpen: true }),
  (error) => set({ failure: error.message }),
);

// The page itself also opens without a network, where the browser lets it.
navigator.serviceWorker?.register("/sw.js").catch(() => undefined);

function view() {
  if (page.failure !== null) return h("p", { key: "failure", class: "opening", role: "alert" }, page.failure);
  if (!page.isOpen) return h("p", { key: "opening", class: "opening" }, "Opening…");
  const isSignedIn = client.auth.getSnapshot() !== null && !page.isSigningIn;
  if (!isSignedIn) return signIn();
  return h("div", { key: "app", class: "app" }, header(), h("main", null, refusals(), content()), notes());
}

function content() {
  const status = client.status.getSnapshot();
  if (status.lastSynced === null) return firstLoad(status);
  const { sessionId, section } = route();
  if (sessionId === "") return sessionList();
  const found = sessions.getSnapshot().find((one) => one.id === sessionId);
  return found === undefined ? gone() : session(found, section);
}

/** Nothing was ever fetched to this device. */
function firstLoad({ state, loading }) {
  const isOffline = state === "offline";
  return h(
    "div",
    { key: "first-load", class: "empty", "data-testid": "first-load", role: "status" },
    h("h1", null, isOffline ? "Nothing here yet" : "Fetching the games…"),
    isOffline
      ? h("p", null, "This device needs a connection once. After that it works without one.")
      : h("progress", { "aria-label": "First load", max: loading?.total || null, value: loading?.done || undefined }),
  );
}

function gone() {
  return h(
    "div",
    { key: "gone", class: "empty" },
    h("h1", null, "This session is not here"),
    h("p", null, "Somebody deleted it, or this device has not heard of it yet."),
    h("a", { class: "button", href: "#/" }, "All sessions"),
  );
}
