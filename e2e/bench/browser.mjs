// `cargo xtask bench browser`: what a person feels with 100 000 rows of 8 columns, in a real Chromium. Medians.

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "../../packages/swain/dist/swain.js";
import { Profile } from "../support/profile.mjs";
import { Server } from "../support/server.mjs";

const ROUNDS = 3;
const EDITS = 15;
const PAGE = fileURLToPath(new URL("page", import.meta.url));

const columns = "title TEXT, part INTEGER, number INTEGER, a TEXT, b REAL, c BOOLEAN, d TIMESTAMP";
const fill = (table, rows) => `CREATE TABLE ${table} (id TEXT PRIMARY KEY NOT NULL, ${columns});
INSERT INTO ${table} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
  SELECT printf('%08d', i), 'row ' || i, i % 100, i, 'a text', i * 0.5, i % 2, '2026-01-02T10:00:00Z' FROM n;`;
const CONFIG = `[server]\npublic = "public"\n\n[database]\npath = "app.db"\n
[tables.small]\nread = "true"\nwrite = "true"\n\n[tables.large]\nread = "true"\nwrite = "true"\n`;

const folder = await mkdtemp(join(tmpdir(), "swain-bench-browser-"));
writeFileSync(join(folder, "tables.sql"), `${fill("small", 10_000)}\n${fill("large", 90_000)}`);
const note = (text) => console.error(`${(performance.now() / 1000).toFixed(1)} s ${text}`);
await Server.init(folder, join(folder, "tables.sql"));
note("100 000 rows are in the database");
writeFileSync(join(folder, "swain.toml"), CONFIG);
mkdirSync(join(folder, "public"), { recursive: true });
cpSync(PAGE, join(folder, "public"), { recursive: true });
const server = await Server.serve(folder);
const other = createClient({ url: server.url, shapes: [{ table: "small" }] });
try {
  await other.start();
  await other.fresh();
  note(`another device is there over ${other.status.getSnapshot().transport}`);
  const figures = { load: [], stored: [], longest: [], open: [], query: [], insert: [], remote: [] };
  for (let round = 0; round < ROUNDS; round += 1) await measure(round, figures);
  console.log(`${cpus().length} cores, ${cpus()[0]?.model}, medians of ${ROUNDS} profiles`);
  const say = (text, values, goal) => console.log(`${text.padEnd(58)} ${median(values).toFixed(1)} ms${goal === "" ? "" : ` (aim ${goal})`}`);
  say("load of 100 000 rows, until caught up", figures.load, "5000");
  say("the same, until everything is stored", figures.stored, "");
  say("longest task meanwhile", figures.longest, "50");
  say("reload: 100 000 stored rows read", figures.open, "");
  say("reload: first query on 10 000 rows, from start()", figures.query, "1000");
  say("one remote change, from its frame to the DOM", figures.remote, "16");
  say("one local insert, from the call to the DOM", figures.insert, "5");
} finally {
  await other.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measure(round, figures) {
  const profile = await Profile.create(`bench-${round}`, server);
  try {
    const first = await profile.tab();
    const loaded = await first.evaluate(() => globalThis.bench.load());
    note(`profile ${round + 1} has loaded ${JSON.stringify(loaded)}`);
    if (loaded.count < 100_000) throw new Error(`only ${loaded.count} rows came`);
    figures.load.push(loaded.fresh);
    figures.longest.push(loaded.longest);
    figures.stored.push(loaded.fresh + (await first.evaluate(() => globalThis.bench.close())));
    note(`and stored ${figures.stored.at(-1)}`);
    await first.reload();
    const again = await first.evaluate(() => globalThis.bench.load());
    note(`and read again ${JSON.stringify(again)}`);
    if (again.rows < 10_000) throw new Error(`only ${again.rows} rows are stored`);
    figures.open.push(again.open);
    figures.query.push(again.open + again.query);
    for (let i = 0; i < EDITS; i += 1) {
      const number = 1_000_000 + 1000 * round + 2 * i;
      figures.insert.push(await first.evaluate((at) => globalThis.bench.insert(at), number));
      const shown = first.evaluate((at) => globalThis.bench.remote(at), number + 1);
      // The page listens from the answer to this on.
      await first.evaluate(() => undefined);
      const row = { title: `remote ${number + 1}`, part: 1, number: number + 1, a: "a", b: 1, c: true, d: "x" };
      other.table("small").insert(row);
      figures.remote.push(await shown);
    }
  } finally {
    await profile.remove();
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
