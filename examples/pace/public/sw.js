// Lets the page open without a network. Rows are not its business: Swain keeps them in IndexedDB, and /api is never
// touched. The network comes first, so whoever is online has the newest page at once; the copy is for all others.

const CACHE = "pace-1";
const PATIENCE_MS = 4000;
/** After a network that let us wait, the copy comes at once for a while: a page is many files. */
const SLOW_MS = 30_000;
const SHELL = [
  "/",
  "/swain.js",
  "/swain-presence.js",
  "/app.js",
  "/data.js",
  "/dialog.js",
  "/page.js",
  "/people.js",
  "/render.js",
  "/standings.js",
  "/words.js",
  "/views/game-card.js",
  "/views/games.js",
  "/views/header.js",
  "/views/mark.js",
  "/views/new-game.js",
  "/views/notes.js",
  "/views/people.js",
  "/views/players.js",
  "/views/refusals.js",
  "/views/session-list.js",
  "/views/session.js",
  "/views/sign-in.js",
  "/views/standings-table.js",
  "/style.css",
  "/styles/controls.css",
  "/styles/game.css",
  "/styles/notes.css",
  "/styles/session.css",
  "/styles/top.css",
  "/icon.svg",
  "/manifest.webmanifest",
];

addEventListener("install", (event) => {
  skipWaiting(); // Safe: this worker holds no other page than the newest it has seen.
  event.waitUntil(copyShell());
});

addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([clients.claim(), dropOtherCopies()]));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const path = url.pathname === "/index.html" ? "/" : url.pathname;
  if (!SHELL.includes(path)) return;
  event.respondWith(networkFirst(request, path));
  // A page was opened: take the copy anew, all files of it or none, so that it is never of two versions.
  if (request.mode === "navigate") event.waitUntil(copyShell().catch(() => undefined));
});

let slowUntil = 0;

async function networkFirst(request, path) {
  const isSlow = Date.now() < slowUntil;
  const answer = fetch(request);
  const first = await Promise.race([answer.catch(() => "failed"), late(isSlow ? 0 : PATIENCE_MS)]);
  if (first === "late" && !isSlow) slowUntil = Date.now() + SLOW_MS;
  if (first instanceof Response && first.status < 500) return first;
  return (await copyOf(path)) ?? answer;
}

function late(wait) {
  return new Promise((resolve) => setTimeout(resolve, wait, "late"));
}

async function copyOf(path) {
  return (await caches.open(CACHE)).match(path);
}

async function copyShell() {
  const cache = await caches.open(CACHE);
  await cache.addAll(SHELL.map((path) => new Request(path, { cache: "no-cache" })));
}

async function dropOtherCopies() {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith("pace-") && name !== CACHE).map((name) => caches.delete(name)),
  );
}
