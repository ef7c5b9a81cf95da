import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { publint } from "publint";
import { expect, it } from "vitest";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

/** A program that has the package by its name; it says what it saw. */
function program(url: string, say: string): string {
  return `
    import { createClient } from "swain";
    const client = createClient({ url: ${JSON.stringify(url)}, shapes: [{ table: "games" }], attempts: 1, transports: ["websocket"] });
    await client.start();
    await new Promise((resolve) => client.status.subscribe(() => client.status.getSnapshot().problem && resolve()));
    const { state, persistent, problem } = client.status.getSnapshot();
    const seen = { state, persistent, problem: problem.code, rows: client.query("games").getSnapshot() };
    await client.close();
    ${say}
  `;
}

const SEEN = { state: "offline", persistent: false, problem: "attempts_used_up", rows: [] };

it("has nothing to complain about for publint", { timeout: 30_000 }, async () => {
  const { messages } = await publint({ pkgDir: PACKAGE, strict: true });
  expect(messages).toEqual([]);
});

it("is one file: the server has nothing else to send", () => {
  for (const name of ["swain", "swain-components", "swain-devtools", "swain-presence"]) {
    const text = readFileSync(new URL(`../dist/${name}.js`, import.meta.url), "utf8");
    expect(text).not.toMatch(/^import |\bimport\(/m);
  }
});

it("runs in Node, in memory, and a process ends with it", { timeout: 30_000 }, async () => {
  const { url, close } = await refusingServer();
  const code = program(url, "console.log(JSON.stringify(seen));");
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code], {
    cwd: PACKAGE,
  });
  expect(JSON.parse(stdout)).toEqual(SEEN);
  close();
});

it("runs in a worker", { timeout: 30_000 }, async () => {
  const { url, close } = await refusingServer();
  const code = program(url, 'import("node:worker_threads").then(({ parentPort }) => parentPort.postMessage(seen));');
  // By its file: a worker from text has no place from which a package could be found by name.
  const dist = new URL("../dist/swain.js", import.meta.url).href;
  const text = `data:text/javascript,${encodeURIComponent(code.replace('"swain"', JSON.stringify(dist)))}`;
  const worker = new Worker(new URL(text));
  const seen = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  expect(seen).toEqual(SEEN);
  await worker.terminate();
  close();
});

/** Something answers, but it is no Swain server. */
async function refusingServer(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((_request, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.close(),
  };
}
