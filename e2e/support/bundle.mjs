// An application that is built, with the packages that the library's own tests have.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const LIBRARY = fileURLToPath(new URL("../../packages/swain", import.meta.url));
const MODULES = createRequire(join(LIBRARY, "package.json"));

/** Vite's build of a folder with an index.html. `replaced`: files by name that stand in for those of the folder. */
export async function bundle(folder, out, replaced = {}) {
  const vite = join(dirname(MODULES.resolve("vite/package.json")), "dist/node/index.js");
  const { build } = await import(pathToFileURL(vite).href);
  const alias = {
    "swain/dexie": join(LIBRARY, "dist/dexie.js"),
    swain: join(LIBRARY, "dist/swain.js"),
    dexie: MODULES.resolve("dexie/dist/modern/dexie.mjs"),
  };
  await build({
    root: folder,
    configFile: false,
    logLevel: "silent",
    resolve: { alias: Object.entries(alias).map(([find, replacement]) => ({ find, replacement })) },
    plugins: [
      {
        name: "replaced",
        enforce: "pre",
        resolveId: (id, importer) => (importer === undefined ? null : (replaced[id] ?? null)),
      },
    ],
    build: { outDir: out, emptyOutDir: true, target: "es2022", modulePreload: false },
  });
}
