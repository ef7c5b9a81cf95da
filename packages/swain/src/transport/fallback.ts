import type { Fallback, TransportKind } from "../engine/picker.js";
import type { Environment } from "../environment.js";

type Storage = Environment["localStorage"];

/** What an earlier page fell back to, for all pages of this origin with this server; null: nothing, or unreadable. */
export function rememberedFallback(storage: Storage, origin: string): Fallback | null {
  try {
    const { kind, until } = JSON.parse(storage?.getItem(nameOf(origin)) ?? "null") as Record<string, unknown>;
    return typeof kind === "string" && typeof until === "number" ? { kind: kind as TransportKind, until } : null;
  } catch {
    return null;
  }
}

export function rememberFallback(storage: Storage, origin: string, fallback: Fallback | null): void {
  try {
    if (fallback === null) storage?.removeItem(nameOf(origin));
    else storage?.setItem(nameOf(origin), JSON.stringify(fallback));
  } catch {
    // Without room the next page begins at the best.
  }
}

function nameOf(origin: string): string {
  return `swain:transport:${origin}`;
}
