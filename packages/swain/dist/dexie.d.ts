export * from "./types/dexie/dexie.js";
