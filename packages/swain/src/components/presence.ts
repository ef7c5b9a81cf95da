import type { Other, Room } from "../presence/presence.js";
import { element } from "./dom.js";
import { styleSheet } from "./style.js";

/** Who somebody is, for people. */
export type Describe = (other: Other) => string;

/** Those who are in `room` besides this tab, as circles with initials; who comes and goes is read out. */
export class SwainPresence extends HTMLElement {
  #room: Room | null = null;
  #describe: Describe = (other) => other.name ?? other.user ?? "a visitor";
  #stop: () => void = () => undefined;
  #shown = new Map<number, string>();
  readonly #list = element("ul", { class: "people", "aria-label": "Also here" });
  /** Read out when it changes, without taking the focus. */
  readonly #told = element("p", { role: "status", class: "unseen" });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [styleSheet(), sheet];
    this.#list.hidden = true;
    root.append(this.#list, this.#told);
  }

  get room(): Room | null {
    return this.#room;
  }

  /** Whoever joined the room leaves it, too. */
  set room(room: Room | null) {
    this.#room = room;
    if (this.isConnected) this.#watch();
  }

  get describe(): Describe {
    return this.#describe;
  }

  set describe(describe: Describe) {
    this.#describe = describe;
    this.#draw();
  }

  connectedCallback(): void {
    this.#watch();
  }

  disconnectedCallback(): void {
    this.#stop();
  }

  #watch(): void {
    this.#stop();
    this.#shown.clear();
    this.#stop = this.#room?.others.subscribe(() => this.#draw()) ?? (() => undefined);
    this.#draw();
  }

  #draw(): void {
    const others = this.#room?.others.getSnapshot() ?? [];
    const names = new Map(others.map((other) => [other.id, this.#describe(other)]));
    const text = (shown: Map<number, string>): string => JSON.stringify([...shown]);
    // A cursor that moves changes nothing here.
    if (text(names) === text(this.#shown) && this.#list.childElementCount === others.length) return;
    this.#list.replaceChildren(...others.map((other) => person(other, names.get(other.id) ?? "")));
    this.#list.hidden = others.length === 0;
    const came = [...names].filter(([id]) => !this.#shown.has(id)).map(([, name]) => `${name} is here.`);
    const left = [...this.#shown].filter(([id]) => !names.has(id)).map(([, name]) => `${name} has left.`);
    this.#shown = names;
    if (came.length + left.length > 0) this.#told.textContent = [...came, ...left].join(" ");
  }
}

function person(other: Other, name: string): HTMLLIElement {
  const mark = element("span", { class: "mark", "aria-hidden": "true" }, initials(name));
  mark.style.setProperty("--hue", String(hue(other.user ?? name)));
  return element("li", { title: name }, mark, element("span", { class: "unseen" }, name));
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters
    .map((word) => [...(word ?? "")][0] ?? "")
    .join("")
    .toUpperCase();
}

/** The same for the same person on every device. */
function hue(text: string): number {
  let sum = 0;
  for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360;
  return sum;
}

const CSS = `
:host { background: none; }
.people { display: flex; flex-wrap: wrap; gap: 4px; margin: 0; }
.people[hidden] { display: none; }
.mark {
  display: grid; place-items: center; width: var(--swain-presence-size, 32px); height: var(--swain-presence-size, 32px);
  border-radius: 50%; font-size: calc(var(--swain-presence-size, 32px) * .4); font-weight: 600; line-height: 1;
  background: var(--swain-presence-color, hsl(var(--hue) 60% 27%)); color: var(--swain-presence-ink, #fff);
}
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
