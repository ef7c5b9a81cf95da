import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { guideBlocks } from "./test/guide-blocks.ts";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  plugins: [guideBlocks()],
  test: {
    // The guide's snippets name the package as an application does.
    alias: {
      "swain/dexie": source("dexie/dexie.ts"),
      "swain/presence": source("presence/presence.ts"),
      "swain/react": source("react/react.ts"),
      swain: source("index.ts"),
    },
    include: ["test/**/*.test.ts"],
    environment: "node",
    setupFiles: [],
    pool: "threads",
    isolate: true,
  },
});
