export * from "./types/components/components.js";
