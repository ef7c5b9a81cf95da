// A throw-away PostgreSQL server, and Pace on it with as many equal servers as a story wants.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { binary, Server } from "./server.mjs";

const PACE = fileURLToPath(new URL("../../examples/pace/", import.meta.url));
const INSTALLED = "/usr/lib/postgresql";
const SETTINGS = ["listen_addresses=''", "fsync=off", "shared_buffers=16MB", "max_connections=60"];

/** The folder of the newest version's programs. */
function programs() {
  const named = (process.env.PATH ?? "").split(":").find((folder) => existsSync(join(folder, "initdb")));
  // A path may hold a link to one of them alone.
  if (named !== undefined) return dirname(realpathSync(join(named, "initdb")));
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED).sort((a, b) => Number(b) - Number(a)) : [];
  if (versions.length === 0) throw new Error("stories on PostgreSQL need it: apt-get install postgresql");
  return join(INSTALLED, versions[0], "bin");
}

/** PostgreSQL refuses to run as root; then it runs as the user that its package has made. */
function run(program, ...args) {
  const path = join(programs(), program);
  const command = process.getuid() === 0 ? ["runuser", "-u", "postgres", "--", path] : [path];
  return execFileSync(command[0], [...command.slice(1), ...args], { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
}

export class PaceOnPostgres {
  #place;
  #servers = [];

  constructor(place) {
    this.#place = place;
  }

  static async create() {
    const pace = new PaceOnPostgres(await mkdtemp(join(tmpdir(), "swain-e2e-postgres-")));
    chmodSync(pace.#place, 0o777);
    run("initdb", "-D", pace.#data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "-N", "--locale=C.UTF-8");
    const settings = [...SETTINGS, `unix_socket_directories='${pace.#place}'`];
    const options = settings.map((setting) => `-c ${setting}`).join(" ");
    run("pg_ctl", "-D", pace.#data, "-w", "-s", "-o", options, "-l", join(pace.#data, "log"), "start");
    const sample = readFileSync(join(PACE, "sample.sql"), "utf8").replace("date('now', 'localtime')", "current_date");
    pace.sql(readFileSync(join(PACE, "schema.postgres.sql"), "utf8") + sample);
    const config = join(pace.folder, "swain.toml");
    mkdirSync(pace.folder);
    writeFileSync(config, pace.#config());
    writeFileSync(join(pace.folder, "word"), "pickup-game\n");
    for (const who of ["ada", "ben"]) {
      const account = ["user", "add", `${who}@example.com`, "--password-file", join(pace.folder, "word")];
      execFileSync(binary(), ["--config", config, ...account]);
    }
    return pace;
  }

  get #data() {
    return join(this.#place, "data");
  }

  get folder() {
    return join(this.#place, "project");
  }

  get #url() {
    return `postgres://postgres@${encodeURIComponent(this.#place)}/postgres`;
  }

  #config() {
    const rules = readFileSync(join(PACE, "swain.toml"), "utf8");
    return `${rules}\n[server]\npublic = "${join(PACE, "public")}"\n\n[database]\nurl = "${this.#url}"\n`;
  }

  /** One more server over the database. */
  async serve() {
    const server = await Server.serve(this.folder);
    this.#servers.push(server);
    return server;
  }

  /** What another program does. */
  sql(text) {
    return run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", this.#url, "-c", text).toString();
  }

  async remove() {
    await Promise.all(this.#servers.map((server) => server.kill()));
    run("pg_ctl", "-D", this.#data, "-w", "-s", "-m", "immediate", "stop");
    await rm(this.#place, { recursive: true, force: true });
  }
}
