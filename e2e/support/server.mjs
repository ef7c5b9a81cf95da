// The real server with the demo app, which a story can stop, kill and start again on the same port.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BUILT = fileURLToPath(new URL("../../target/debug/swain", import.meta.url));
const START_MS = 30_000;

export class Server {
  #child = null;
  #data;
  #port;
  #command;
  #said = "";
  /** A page may complain about the network from then on: nobody answers while the server is down. */
  wasDown = false;

  constructor(folder, port, command) {
    this.#data = folder;
    this.#port = port;
    this.#command = command;
  }

  /** With the demo app, on data of its own. */
  static async create() {
    const folder = await mkdtemp(join(tmpdir(), "swain-e2e-data-"));
    return Server.#begin(folder, ["demo", "pace", "--data", join(folder, "pace")]);
  }

  /** With the swain.toml of a folder. */
  static serve(folder) {
    return Server.#begin(folder, ["serve", "--config", join(folder, "swain.toml")]);
  }

  /** What `swain init` makes, served by `serve` or `dev`. */
  static async starter(command) {
    const folder = await mkdtemp(join(tmpdir(), "swain-e2e-starter-"));
    const config = join(folder, "swain.toml");
    execFileSync(binary(), ["init", "--config", config]);
    return Server.#begin(folder, [command, "--config", config]);
  }

  /** A database with one's own tables, and their rules beside it. */
  static async init(folder, schema) {
    const child = spawn(binary(), ["init", "--config", join(folder, "swain.toml"), "--from", schema]);
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`swain init ended with ${code}: ${said}`);
  }

  static async #begin(folder, command) {
    const server = new Server(folder, await freePort(), command);
    await server.start();
    return server;
  }

  /** The folder of the demo's database and secret. */
  get data() {
    return join(this.#data, "pace");
  }

  /** Where the project is. */
  get folder() {
    return this.#data;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What the server wrote, for the report of a failed story. */
  get said() {
    return this.#said;
  }

  /** Also again after a stop: same port, same data. */
  async start() {
    const listen = `127.0.0.1:${this.#port}`;
    const child = spawn(binary(), [...this.#command, "--listen", listen]);
    this.#child = child;
    await new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`the server does not start: ${this.#said}`)), START_MS);
      let out = "";
      child.stdout.on("data", (text) => {
        out += text;
        this.#said += text;
        if (!out.includes(this.url)) return;
        clearTimeout(deadline);
        resolve();
      });
      child.stderr.on("data", (text) => {
        this.#said += text;
      });
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${this.#said}`)));
    });
  }

  /** As a power cut: nothing is flushed, nobody is told. */
  kill() {
    return this.#end("SIGKILL");
  }

  stop() {
    return this.#end("SIGTERM");
  }

  async remove() {
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
  }

  async #end(signal) {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    this.wasDown = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
}

export function binary() {
  const path = process.env.SWAIN_BIN ?? BUILT;
  if (!existsSync(path)) throw new Error(`no server at ${path}: build it, or name it in SWAIN_BIN`);
  return path;
}

async function freePort() {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}
