import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { guideBlocks } from "./test/guide-blocks.ts";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

// Vite and not esbuild: vitest brings it along, so the one file costs no further dependency.
export default defineConfig({
  plugins: [guideBlocks()],
  build: {
    lib: {
      // Scripts that share nothing: the panel knows a client only by what the page shows it, the hooks by its type.
      entry: {
        swain: "src/index.ts",
        "swain-devtools": "src/devtools/devtools.ts",
        react: "src/react/react.ts",
      },
      formats: ["es"],
      fileName: (_format, name) => `${name}.js`,
    },
    rolldownOptions: { external: ["react"] },
    outDir: "dist",
    emptyOutDir: true,
    minify: false,
    sourcemap: false,
    target: "es2022",
    reportCompressedSize: false,
  },
  test: {
    // The guide's snippets name the package as an application does.
    alias: { "swain/react": source("react/react.ts"), swain: source("index.ts") },
    include: ["test/**/*.test.ts"],
    environment: "node",
    setupFiles: [],
    pool: "threads",
    isolate: true,
  },
});
