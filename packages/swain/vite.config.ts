import { defineConfig } from "vitest/config";

// Vite and not esbuild: vitest brings it along, so the one file costs no further dependency.
export default defineConfig({
  build: {
    lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "swain.js" },
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
