// One script for each entry of the package, each by itself: none of them shares a file with another, so that a page
// loads `swain.js` and nothing else. Vite and not esbuild: vitest brings it along.
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const ENTRIES = {
  swain: "index",
  // The panel knows a client only by what the page shows it, and the hooks know it by its type.
  "swain-devtools": "devtools/devtools",
  "swain-components": "components/components",
  "swain-presence": "presence/presence",
  react: "react/react",
  dexie: "dexie/dexie",
};
const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** The add-on takes the client from the script beside it, so that an application has the client once. */
const besideTheClient = {
  name: "beside the client",
  enforce: "pre",
  resolveId: (id) => (id === "../index.js" ? { id: "./swain.js", external: "relative" } : null),
};

rmSync(path("dist"), { recursive: true, force: true });
for (const [name, source] of Object.entries(ENTRIES)) {
  await build({
    configFile: false,
    logLevel: "warn",
    plugins: [besideTheClient],
    build: {
      lib: { entry: path(`src/${source}.ts`), formats: ["es"], fileName: () => `${name}.js` },
      rolldownOptions: { external: ["react", "dexie"] },
      outDir: path("dist"),
      emptyOutDir: false,
      minify: false,
      sourcemap: false,
      target: "es2022",
      reportCompressedSize: false,
    },
  });
  if (name === "swain-devtools") continue;
  writeFileSync(path(`dist/${name}.d.ts`), `export * from "./types/${source}.js";\n`);
}
