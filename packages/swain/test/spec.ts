import { appendFileSync } from "node:fs";

/** Names the rules that a test proves; `cargo xtask tidy` reads the file and misses those that no test named. */
export function spec(...ids: readonly string[]): void {
  const log = process.env.SWAIN_SPEC_LOG;
  if (log === undefined || log === "") return;
  appendFileSync(log, ids.map((id) => `${id}\n`).join(""));
}
