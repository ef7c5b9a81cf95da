// The types of the one file: `dist/swain.d.ts` beside `dist/swain.js`.
import { writeFileSync } from "node:fs";

writeFileSync(new URL("../dist/swain.d.ts", import.meta.url), 'export * from "./types/index.js";\n');
