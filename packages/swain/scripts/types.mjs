// The types of each entry of the package, beside its script: `dist/swain.d.ts` beside `dist/swain.js`.
import { writeFileSync } from "node:fs";

const ENTRIES = { swain: "index", react: "react/react" };

for (const [name, source] of Object.entries(ENTRIES)) {
  writeFileSync(new URL(`../dist/${name}.d.ts`, import.meta.url), `export * from "./types/${source}.js";\n`);
}
