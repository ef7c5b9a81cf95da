// Which rules of the contract a story has shown; `cargo xtask tidy --executed` reads it.

import { appendFileSync } from "node:fs";

export function spec(...ids) {
  const log = process.env.SWAIN_SPEC_LOG;
  if (log) appendFileSync(log, ids.map((id) => `${id}\n`).join(""));
}
