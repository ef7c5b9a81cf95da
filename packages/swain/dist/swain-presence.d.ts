export * from "./types/presence/presence.js";
