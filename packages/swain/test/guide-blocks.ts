import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

/** `guide:frameworks/vue.ts` is the block of docs/guide/frameworks.md that begins with "```ts vue.ts". */
export function guideBlocks(): Plugin {
  return {
    name: "guide blocks",
    enforce: "pre",
    resolveId(id) {
      return id.startsWith("guide:") ? fileURLToPath(new URL(`./${id.replace(":", "-")}`, import.meta.url)) : null;
    },
    load(path) {
      const [, page, name] = /\/guide-([\w-]+)\/([\w.-]+)$/.exec(path) ?? [];
      return page === undefined || name === undefined ? null : guideBlock(page, name);
    },
  };
}

export function guideBlock(page: string, name: string): string {
  const text = readFileSync(new URL(`../../../docs/guide/${page}.md`, import.meta.url), "utf8");
  const [, block] = new RegExp(`^\`\`\`\\w+ ${name.replace(".", "\\.")}\\n([^]*?)^\`\`\`$`, "m").exec(text) ?? [];
  if (block === undefined) throw new Error(`docs/guide/${page}.md has no block ${name}`);
  return block;
}
