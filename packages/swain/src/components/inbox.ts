import type { Client } from "../client/client.js";
import type { InboxItem } from "../client/inbox.js";
import { SwainConflict } from "./conflict.js";
import { element } from "./dom.js";
import { refusalCard } from "./refusal.js";
import { styleSheet } from "./style.js";
import type { Names } from "./words.js";

interface Shown {
  readonly text: string;
  readonly place: HTMLLIElement;
}

/** All that waits for the person of `client`: conflicts and refusals. `names` says who a user is. */
export class SwainInbox extends HTMLElement {
  #client: Client | null = null;
  #names: Names = (user) => user;
  #stop: () => void = () => undefined;
  readonly #items = new Map<string, Shown>();
  readonly #head = element("h2", { tabindex: "-1", id: "head" });
  readonly #list = element("ul", { "aria-labelledby": "head" });
  /** Read out when it changes, without taking the focus. */
  readonly #told = element("p", { role: "status", class: "soft" });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    root.append(element("section", { "aria-labelledby": "head" }, this.#head, this.#told, this.#list));
    root.addEventListener("swain-failed", (event) => this.#fail((event as CustomEvent<unknown>).detail));
  }

  get client(): Client | null {
    return this.#client;
  }

  set client(client: Client | null) {
    this.#client = client;
    if (this.isConnected) this.#watch();
  }

  get names(): Names {
    return this.#names;
  }

  /** Who users are may become known later: set it again. */
  set names(names: Names) {
    this.#names = names;
    for (const conflict of this.#list.querySelectorAll<SwainConflict>("swain-conflict")) conflict.names = names;
  }

  connectedCallback(): void {
    this.#watch();
  }

  disconnectedCallback(): void {
    this.#stop();
  }

  #watch(): void {
    this.#stop();
    this.#stop = this.#client?.inbox.subscribe(() => this.#draw()) ?? (() => undefined);
    this.#draw();
  }

  #draw(): void {
    const items = this.#client?.inbox.getSnapshot() ?? [];
    const before = this.#items.size;
    const hadFocus = this.#hasFocus();
    const ids = new Set(items.map(({ id }) => id));
    for (const [id, { place }] of this.#items) {
      if (ids.has(id)) continue;
      place.remove();
      this.#items.delete(id);
    }
    for (const [at, item] of items.entries()) this.#show(item, at);
    this.#head.textContent = items.length === 0 ? "Nothing to decide" : `To decide: ${items.length}`;
    if (items.length !== before) this.#told.textContent = items.length > before ? "Something new to decide." : "";
    // What had the focus is gone: the keyboard goes on from the head of the list, not from the top of the page.
    if (hadFocus && !this.#hasFocus()) this.#head.focus();
  }

  #hasFocus(): boolean {
    const { activeElement } = this.shadowRoot ?? { activeElement: null };
    return activeElement !== null;
  }

  /** What a person is writing stays, as long as the item is the same. */
  #show(item: InboxItem, at: number): void {
    const text = JSON.stringify(item);
    const known = this.#items.get(item.id);
    const place = known?.text === text ? known.place : element("li", {}, this.#card(item));
    if (known !== undefined && known.place !== place) known.place.replaceWith(place);
    this.#items.set(item.id, { text, place });
    const there = this.#list.children.item(at);
    if (there !== place) this.#list.insertBefore(place, there);
  }

  #card(item: InboxItem): HTMLElement {
    const client = this.#client;
    if (client === null) return element("article");
    if (item.kind === "refusal") return refusalCard(item, client, (error) => this.#fail(error));
    const conflict = new SwainConflict();
    conflict.client = client;
    conflict.names = this.#names;
    conflict.conflict = item;
    return conflict;
  }

  #fail(error: unknown): void {
    const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    this.#told.textContent = TOLD[code] ?? (error instanceof Error ? error.message : String(error));
  }
}

const TOLD: Readonly<Record<string, string>> = {
  already_resolved: "Somebody else has decided this already.",
  conflict: "Somebody changed it meanwhile. Look at it again.",
  row_gone: "It is not there any more.",
};
