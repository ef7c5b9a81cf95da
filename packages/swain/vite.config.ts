import { defineConfig } from "vitest/config";

// Vite and not esbuild: vitest brings it along, so the one file costs no further dependency.
export default defineConfig({
  build: {
    lib: {
      // Two scripts that share nothing: the panel knows a client only by what the page shows it.
      entry: { swain: "src/index.ts", "swain-devtools": "src/devtools/devtools.ts" },
      formats: ["es"],
      fileName: (_format, name) => `${name}.js`,
    },
    outDir: "dist",
    emptyOutDir: true,
    minify: false,
    sourcemap: false,
    target: "es2022",
    reportCompressedSize: false,
  },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    setupFiles: [],
    pool: "threads",
    isolate: true,
  },
});
