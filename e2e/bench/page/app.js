// Measures itself; the script beside it asks. Times are ms of performance.now().
import { createClient } from "/swain.js";

let longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
}).observe({ type: "longtask" });

const client = createClient({
  shapes: [{ table: "small" }, { table: "large" }],
  transports: ["websocket"],
  indexes: { small: ["part"] },
});
const newest = client.query("small", { orderBy: [["number", "desc"]], limit: 50 });
const list = document.querySelector("ul");
const draw = () => {
  for (const [i, row] of newest.getSnapshot().entries()) {
    const item = list.children[i] ?? list.appendChild(document.createElement("li"));
    const text = `${row.number} ${row.title}`;
    if (item.textContent !== text) item.textContent = text;
  }
};

globalThis.bench = {
  async load() {
    const began = performance.now();
    longest = 0;
    await client.start();
    const opened = performance.now();
    draw();
    const rows = client.query("small").getSnapshot().length;
    const queried = performance.now();
    newest.subscribe(draw);
    await client.fresh();
    const count = client.query("small").getSnapshot().length + client.query("large").getSnapshot().length;
    return { open: opened - began, query: queried - opened, rows, fresh: performance.now() - began, count, longest };
  },
  /** Resolves when everything that came is stored. */
  async close() {
    const began = performance.now();
    await client.close();
    return performance.now() - began;
  },
  /** From the call to the list that shows it. */
  async insert(number) {
    const began = performance.now();
    const mutation = client.table("small").insert(row(number, "local"));
    const shown = performance.now() - began;
    if (!list.firstChild.textContent.startsWith(String(number))) throw new Error("the list does not show it");
    await mutation.synced;
    return shown;
  },
  /** From the frame that brings it to the list that shows it. */
  remote(number) {
    return new Promise((resolve) => {
      let arrived = 0;
      const stop = client.onLine((line) => {
        if (line.startsWith("< ") && line.includes(`"remote ${number}"`)) arrived = performance.now();
      });
      const stopWatching = newest.subscribe(() => {
        if (list.firstChild.textContent !== `${number} remote ${number}`) return;
        const shown = performance.now() - arrived;
        stop();
        stopWatching();
        resolve(shown);
      });
    });
  },
};

function row(number, title) {
  return { title, part: number % 100, number, a: "a text", b: 1.5, c: true, d: "2026-01-02T10:00:00Z" };
}
