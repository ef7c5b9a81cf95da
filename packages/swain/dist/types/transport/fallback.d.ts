import type { Fallback } from "../engine/picker.js";
import type { Environment } from "../environment.js";
type Storage = Environment["localStorage"];
/** What an earlier page fell back to, for all pages of this origin with this server; null: nothing, or unreadable. */
export declare function rememberedFallback(storage: Storage, origin: string): Fallback | null;
export declare function rememberFallback(storage: Storage, origin: string, fallback: Fallback | null): void;
export {};
