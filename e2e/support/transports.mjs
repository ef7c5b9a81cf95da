// A page that says what carries its connection, behind a proxy that a story can spoil.

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Profile } from "./profile.mjs";
import { Proxy } from "./proxy.mjs";
import { Server } from "./server.mjs";

const PAGE = fileURLToPath(new URL("../pages/transports", import.meta.url));

/** The demo makes the tables; then `swain serve` has them, with the page. `settings`: more of the [server] part. */
export async function stage(t, settings = "") {
  const demo = await Server.create();
  t.after(() => demo.remove());
  await demo.stop();
  cpSync(PAGE, demo.data, { recursive: true });
  const config = join(demo.data, "swain.toml");
  writeFileSync(config, readFileSync(config, "utf8").replace("[server]\n", `[server]\n${settings}\n`));
  const server = await Server.serve(demo.data);
  t.after(() => server.stop());
  const proxy = await Proxy.before(server);
  t.after(() => proxy.close());

  /** Somebody who has joined, behind the proxy or not. */
  const joined = async (name, options = {}, by = proxy) => {
    const profile = await Profile.create(name, by);
    t.after(() => profile.remove());
    const query = new URLSearchParams(
      Object.entries(options).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    );
    const page = await profile.tab(`/?${query}`);
    // The buttons work from then on.
    await page.locator("#state:not(:empty)").waitFor();
    await page.getByRole("button", { name: "Join" }).click();
    await page.locator("#who:not(:empty)").waitFor();
    return { page, profile };
  };
  return { server, proxy, join: joined };
}

/** Connected, current, nothing waits. */
export async function over(page, transport) {
  await page.getByText(`live, 0 pending, over ${transport}`).waitFor();
}

export async function offline(page) {
  await page.getByText(/^offline, \d+ pending, over nothing$/).waitFor();
}

export async function add(page, place) {
  await page.locator("#add input").fill(place);
  await page.getByRole("button", { name: "Add" }).click();
}

/** Waits until a page shows it. */
export async function seen(page, place) {
  await page.getByText(place, { exact: true }).waitFor();
}
