import { counted, element, timeOf } from "./element.js";

/** So many lines are kept; what is older goes. */
const LINES_MAX = 200;
/** So much of one frame is shown. */
const SHOWN_CHARS_MAX = 20_000;

/** What went up and down, the newest first. */
export class FramesView {
  readonly node = element("div", { class: "frames" });
  readonly #empty = element("p", { class: "empty" }, "No frame yet. Another tab may hold the connection.");
  #count = 0;

  constructor() {
    this.node.append(this.#empty);
  }

  get count(): number {
    return this.#count;
  }

  add(line: string): void {
    this.#empty.remove();
    this.#count += 1;
    this.node.prepend(lineNode(line));
    while (this.node.childElementCount > LINES_MAX) this.node.lastElementChild?.remove();
  }
}

function lineNode(line: string): HTMLElement {
  const [sign = "", text = ""] = [line.slice(0, 1), line.slice(2)];
  const at = element("time", {}, timeOf(Date.now()));
  if (sign !== ">" && sign !== "<") return element("p", { class: "note" }, at, element("span", {}, line));
  const isUp = sign === ">";
  const kind = /^\s*\{\s*"(\w+)"/.exec(text)?.[1] ?? "?";
  const summary = element(
    "summary",
    {},
    at,
    element("b", { class: isUp ? "up" : "down", title: isUp ? "to the server" : "from the server" }, isUp ? "↑" : "↓"),
    element("span", { class: "kind" }, kind),
    element("span", { class: "about" }, aboutOf(kind, text)),
    element("small", {}, sizeOf(text)),
  );
  const node = element("details", { class: `frame ${kind}` }, summary);
  // What nobody opens is not laid out.
  node.addEventListener("toggle", () => node.append(element("pre", {}, shown(kind, text))), { once: true });
  return node;
}

/** What tells one frame of a kind from the next. */
function aboutOf(kind: string, text: string): string {
  const body = bodyOf(kind, text);
  const count = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
  if (kind === "push") return counted(count(body.mutations), "mutation");
  if (kind === "results") return counted(count(body.results), "result");
  if (kind === "load") return counted(count(body.rows), "row");
  if (kind === "problem") return String(body.code);
  if (kind === "changes") return `pos ${body.pos}, ${counted(count(body.rows), "row")}`;
  return body.pos === undefined ? "" : `pos ${body.pos}`;
}

function bodyOf(kind: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) as Record<string, Record<string, unknown>>)[kind] ?? {};
  } catch {
    return {};
  }
}

/** A token is nobody's business, also not that of who looks over the shoulder. */
function shown(kind: string, text: string): string {
  try {
    const isSecret = kind === "hello" || kind === "auth";
    const hidden = (name: string, value: unknown): unknown =>
      isSecret && name === "token" && value !== null ? "…" : value;
    return JSON.stringify(JSON.parse(text), hidden, 2).slice(0, SHOWN_CHARS_MAX);
  } catch {
    return text.slice(0, SHOWN_CHARS_MAX);
  }
}

function sizeOf(text: string): string {
  return text.length < 1000 ? `${text.length} B` : `${(text.length / 1000).toFixed(1)} kB`;
}
