// A browser profile of its own: cookies, IndexedDB and service worker of one person's device.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const WAIT_MS = 30_000;
/** How often a browser that dies while it starts is started again, before the story fails of it. */
const LAUNCHES_MAX = 3;
/** What Chromium says by itself when nobody answers. */
const NETWORK = /net::ERR_(CONNECTION|SOCKET|EMPTY_RESPONSE|INCOMPLETE)|WebSocket connection to .* failed/;

export class Profile {
  #context = null;
  #folder;
  #server;
  #viewport;
  name;
  /** All that the pages said, for the report of a failed story. */
  lines = [];
  #complaints = [];
  #expected = [];

  constructor(name, server, folder, viewport) {
    this.name = name;
    this.#server = server;
    this.#folder = folder;
    this.#viewport = viewport;
  }

  static async create(name, server, viewport = { width: 1280, height: 800 }) {
    const folder = await mkdtemp(join(tmpdir(), `swain-e2e-${name}-`));
    const profile = new Profile(name, server, folder, viewport);
    await profile.open();
    return profile;
  }

  get pages() {
    return this.#context?.pages() ?? [];
  }

  /** Errors of the pages, without those of a network that a story took away. */
  get complaints() {
    const isExpected = (line) =>
      (this.#server.wasDown && NETWORK.test(line)) || this.#expected.some((pattern) => pattern.test(line));
    return this.#complaints.filter((line) => !isExpected(line));
  }

  /** A complaint that a story provokes. */
  expect(pattern) {
    this.#expected.push(pattern);
  }

  /** Also again after a close: everything that the profile kept on disk is there. */
  async open() {
    const options = { executablePath: browser(), args: FLAGS, viewport: this.#viewport, timeout: WAIT_MS };
    this.#context = await launch(this.#folder, options);
    this.#context.setDefaultTimeout(WAIT_MS);
    await this.#context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    for (const page of this.#context.pages()) this.#listen(page);
    this.#context.on("page", (page) => this.#listen(page));
  }

  /** A new tab at a path of the app. */
  async tab(path = "/") {
    const blank = this.pages.find((page) => page.url() === "about:blank");
    const page = blank ?? (await this.#context.newPage());
    await page.goto(this.#server.url + path);
    return page;
  }

  async close() {
    await this.#context?.close();
    this.#context = null;
  }

  async remove() {
    await this.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #listen(page) {
    const note = (line) => this.lines.push(`${this.name}: ${line}`);
    const complain = (line) => this.#complaints.push(`${this.name}: ${line}`);
    page.on("console", (message) => {
      const line = `${message.type()} ${message.text()} (${message.location().url})`;
      note(line);
      if (message.type() === "error") complain(line);
    });
    page.on("pageerror", (error) => {
      note(`uncaught ${error.stack}`);
      complain(`uncaught ${error.message}`);
    });
    page.on("crash", () => note("a tab crashed"));
  }
}

/** Chromium itself crashes at its start now and then; no page of ours has been seen by it then. */
async function launch(folder, options) {
  for (let launches = 1; ; launches += 1) {
    try {
      return await chromium.launchPersistentContext(folder, options);
    } catch (error) {
      if (launches === LAUNCHES_MAX) throw error;
      console.error(`the browser did not start (${launches} of ${LAUNCHES_MAX}): ${error.message.split("\n")[0]}`);
    }
  }
}

function browser() {
  const path = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));
  if (path === undefined) throw new Error("no Chromium: install one, or name it in CHROMIUM");
  return path;
}
