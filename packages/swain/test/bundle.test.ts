import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, it } from "vitest";

/** The aim is 16 KiB; docs/decisions/0040 says what costs what. It moves up only with a feature that is named there. */
const CORE_BYTES_MAX = 33_920;
const REACT_MORE_BYTES_MAX = 4096;

it("fits into its budget: all transports, tabs and live queries, minified by Vite, gzip -9", {
  timeout: 30_000,
}, async () => {
  const core = await bundled('export { createClient } from "swain";');
  expect(core).toBeLessThanOrEqual(CORE_BYTES_MAX);
  const both = await bundled('export { createClient } from "swain"; export * from "swain/react";');
  expect(both - core).toBeLessThanOrEqual(REACT_MORE_BYTES_MAX);
  expect(both).toBeGreaterThan(core);
});

/** As an application gets it, from the committed dist; React itself is the application's. */
async function bundled(code: string): Promise<number> {
  const entry = "virtual:application";
  const dist = (name: string): string => new URL(`../dist/${name}.js`, import.meta.url).pathname;
  const built = await build({
    configFile: false,
    logLevel: "silent",
    resolve: { alias: { "swain/react": dist("react"), swain: dist("swain") } },
    plugins: [
      {
        name: "application",
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? code : null),
      },
    ],
    build: {
      write: false,
      target: "es2022",
      modulePreload: false,
      rolldownOptions: {
        input: entry,
        external: ["react"],
        preserveEntrySignatures: "strict",
        output: { format: "es" },
      },
    },
  });
  const outputs = [built].flat().flatMap((one) => ("output" in one ? one.output : []));
  const script = outputs.map((output) => (output.type === "chunk" ? output.code : "")).join("");
  return gzipSync(script, { level: 9 }).length;
}
