// Who is here and how the sync stands: the pill, "last synced", the cable and the Sync button.

import { client } from "/data.js";
import { ask } from "/dialog.js";
import { page, say, set } from "/page.js";
import { h } from "/render.js";
import { ago, plural } from "/words.js";

export function header() {
  const status = client.status.getSnapshot();
  const user = client.auth.getSnapshot();
  return h(
    "header",
    { class: "top" },
    h(
      "div",
      { class: "who" },
      h("a", { class: "brand", href: "#/" }, h("img", { src: "/icon.svg", alt: "", width: 28, height: 28 }), "Pace"),
      h("span", { class: "user", "data-testid": "user-name" }, user.name ?? user.email),
      h("button", { class: "quiet", onclick: signOut, "data-testid": "sign-out" }, "Sign out"),
    ),
    h(
      "div",
      { class: "sync" },
      h("div", { class: "standing" }, pill(status), lastSynced(status)),
      cable(status),
      syncButton(),
    ),
  );
}

const STATES = {
  live: "Live",
  syncing: "Catching up",
  connecting: "Connecting",
  offline: "Offline",
  stopped: "Signed out",
};

const WAYS = { websocket: "WebSocket", sse: "server-sent events", poll: "polling" };

function pill({ state, pending, transport }) {
  const isSending = state === "live" && pending > 0;
  return h(
    "span",
    {
      class: "pill",
      role: "status",
      title: transport === null ? "not connected" : `connected over ${WAYS[transport]}`,
      "data-testid": "status",
      "data-state": isSending ? "syncing" : state,
    },
    h("span", null, isSending ? "Syncing" : STATES[state]),
    h(
      "span",
      { class: "waiting", hidden: pending === 0 },
      h("b", { "data-testid": "pending-count" }, pending),
      " waiting",
    ),
  );
}

function lastSynced({ lastSynced }) {
  const text = lastSynced === null ? "not synced yet" : `last synced ${ago(lastSynced)}`;
  return h("span", { class: "last", "data-testid": "last-synced" }, text);
}

/** For trying what happens without a network. */
function cable({ paused }) {
  const toggle = (event) => {
    set({ notice: null });
    if (event.target.checked) client.resume();
    else client.pause();
  };
  return h(
    "label",
    { class: "switch", title: "Pull the cable to try Pace offline" },
    h("input", {
      type: "checkbox",
      role: "switch",
      checked: !paused,
      onchange: toggle,
      "data-testid": "cable",
    }),
    h("span", { class: "track" }),
    h("span", { class: "caption" }, "Network cable"),
  );
}

function syncButton() {
  return h(
    "button",
    { disabled: page.isSyncing, "aria-busy": String(page.isSyncing), onclick: sync, "data-testid": "sync" },
    "Sync",
  );
}

/** Sends what waits and resolves when everything is current. */
async function sync() {
  set({ isSyncing: true, notice: null });
  try {
    await client.sync();
  } catch {
    const { paused } = client.status.getSnapshot();
    const why = paused ? "The network cable is pulled." : "The server was not reached.";
    say(`${why} Your edits stay on this device.`);
  }
  set({ isSyncing: false });
}

async function signOut() {
  const { pending } = client.status.getSnapshot();
  const edits = plural(pending, "edit");
  const question = `${edits} not sent yet. They stay on this device and go out when you sign in again.`;
  if (pending > 0 && !(await ask(question, "Sign out"))) return;
  await client.auth.logout();
  location.hash = "";
  set({ draft: null, notice: null });
}
