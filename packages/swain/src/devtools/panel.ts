import type { Client } from "../client/client.js";
import { button, element } from "./element.js";
import { FramesView } from "./frames.js";
import { styleSheet } from "./style.js";
import { outboxView, rowsView, shapesView } from "./views.js";

const VIEWS = ["frames", "outbox", "shapes", "rows"] as const;
type View = (typeof VIEWS)[number];

/** Between two drawings, however fast things change. */
const DRAW_MS = 250;
const OPEN = "swain:devtools:open";

/** A client as the panel follows it: frames are kept from the first moment, everything else is asked for. */
class Watched {
  readonly client: Client;
  readonly frames = new FramesView();

  constructor(client: Client, changed: () => void) {
    this.client = client;
    client.onLine((line) => {
      this.frames.add(line);
      changed();
    });
    client.status.subscribe(changed);
    client.onChange(changed);
  }
}

/** The panel in the page. It is in a shadow tree: neither the page's styles nor its own reach across. */
export class Panel {
  readonly #host = document.createElement("swain-devtools");
  readonly #root = element("div", { class: "root" });
  readonly #trouble = element("pre", { class: "trouble", role: "alert", hidden: "" });
  readonly #watched: Watched[] = [];
  #shown: Watched | null = null;
  #view: View = "frames";
  #table: string | null = null;
  #isOpen = wasOpen();
  #timer: number | null = null;
  #parts: Parts | null = null;

  constructor() {
    const shadow = this.#host.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [styleSheet()];
    shadow.append(this.#trouble, this.#root);
    document.documentElement.append(this.#host);
    this.#build();
  }

  add(client: Client): void {
    if (this.#watched.some((one) => one.client === client)) return;
    const watched = new Watched(client, () => this.#drawSoon());
    this.#watched.push(watched);
    // The youngest is what the page uses: an earlier one was closed, or is another part of it.
    this.#shown = watched;
    this.#draw();
  }

  /** What is wrong with what was saved; the page goes on with what was before. */
  tell(problem: string): void {
    this.#trouble.textContent = problem;
    this.#trouble.hidden = false;
  }

  #drawSoon(): void {
    this.#timer ??= window.setTimeout(() => {
      this.#timer = null;
      this.#draw();
    }, DRAW_MS);
  }

  /** Opened or collapsed. */
  #build(): void {
    const parts = this.#isOpen ? this.#openParts() : null;
    this.#parts = parts;
    this.#root.toggleAttribute("data-open", this.#isOpen);
    this.#root.replaceChildren(parts === null ? this.#pill() : parts.panel);
    // What the panel covers can be scrolled into view.
    document.body.style.marginBottom = parts === null ? "" : `${parts.panel.offsetHeight + 16}px`;
    this.#draw();
  }

  #pill(): HTMLElement {
    const pill = button("", { class: "pill", "aria-expanded": "false", "aria-label": "Open Swain's panel" }, () =>
      this.#toggle(true),
    );
    pill.append(element("span", { class: "dot" }), element("span", { class: "text" }));
    return pill;
  }

  #openParts(): Parts {
    const where = element("span", { class: "text" });
    const counts = element("span", { class: "counts" });
    const cable = element("input", { type: "checkbox", role: "switch" });
    cable.addEventListener("change", () => {
      if (cable.checked) this.#shown?.client.resume();
      else this.#shown?.client.pause();
    });
    const close = button("✕", { class: "close", "aria-label": "Close Swain's panel" }, () => this.#toggle(false));
    const header = element(
      "header",
      {},
      element("span", { class: "where" }, element("span", { class: "dot" }), where),
      counts,
      element("span", { class: "end" }, element("label", { class: "cable" }, cable, "cable"), close),
    );
    const problem = element("p", { class: "problem", role: "status" });
    const tabs = VIEWS.map((view) => {
      const tab = button(view, { role: "tab" }, () => this.#show(view));
      tab.append(" ", element("span", {}));
      return tab;
    });
    const main = element("main", { role: "tabpanel" });
    const nav = element("nav", { role: "tablist", "aria-label": "Swain" }, ...tabs);
    const panel = element("section", { class: "panel", "aria-label": "Swain" }, header, problem, nav, main);
    return { panel, where, counts, cable, problem, tabs, main };
  }

  #toggle(isOpen: boolean): void {
    this.#isOpen = isOpen;
    rememberOpen(isOpen);
    this.#build();
    this.#root.querySelector<HTMLElement>(isOpen ? ".close" : ".pill")?.focus();
  }

  #show(view: View): void {
    this.#view = view;
    this.#draw();
  }

  #draw(): void {
    const watched = this.#shown;
    const status = watched?.client.status.getSnapshot();
    const { state = "offline", transport = null } = status ?? {};
    this.#root.dataset.state = state;
    const parts = this.#parts;
    const text = watched === null ? "no client yet" : [state, transport].filter((part) => part !== null).join(" · ");
    if (parts === null) {
      const label = this.#root.querySelector(".pill .text");
      if (label !== null) label.textContent = `Swain: ${text}`;
      return;
    }
    parts.where.textContent = text;
    if (watched === null || status === undefined) return;
    const inspection = watched.client.inspect();
    parts.counts.textContent = `${status.pending} pending${status.leader ? "" : ", another tab leads"}`;
    parts.cable.checked = !status.paused;
    parts.problem.textContent = status.problem === null ? "" : `${status.problem.code}: ${status.problem.title}`;
    parts.problem.hidden = status.problem === null;
    const numbers: Readonly<Record<View, string>> = {
      frames: String(watched.frames.count),
      outbox: String(inspection.outbox.length),
      shapes: String(inspection.shapes.length),
      rows: "",
    };
    for (const [i, view] of VIEWS.entries()) {
      parts.tabs[i]?.setAttribute("aria-selected", String(view === this.#view));
      parts.tabs[i]?.querySelector("span")?.replaceChildren(numbers[view]);
    }
    this.#drawView(parts.main, watched, inspection);
  }

  #drawView(main: HTMLElement, watched: Watched, inspection: ReturnType<Client["inspect"]>): void {
    switch (this.#view) {
      case "frames":
        if (watched.frames.node.parentNode !== main) main.replaceChildren(watched.frames.node);
        return;
      case "outbox":
        return main.replaceChildren(outboxView(inspection));
      case "shapes":
        return main.replaceChildren(shapesView(inspection));
      case "rows": {
        const tables = [...new Set(inspection.shapes.map(({ shape }) => shape.table))];
        const table = this.#table !== null && tables.includes(this.#table) ? this.#table : (tables[0] ?? null);
        // A list that is open is not taken away under the finger.
        const select = main.querySelector("select") ?? this.#select(tables);
        const view = table === null ? element("p", { class: "empty" }, "No tables.") : rowsView(watched.client, table);
        if (select.parentNode === main) main.replaceChild(view, main.lastElementChild ?? select);
        else main.replaceChildren(select, view);
        return;
      }
      default:
        this.#view satisfies never;
    }
  }

  #select(tables: readonly string[]): HTMLSelectElement {
    const select = element("select", { "aria-label": "table" }, ...tables.map((name) => element("option", {}, name)));
    if (this.#table !== null) select.value = this.#table;
    select.addEventListener("change", () => {
      this.#table = select.value;
      this.#draw();
    });
    return select;
  }
}

interface Parts {
  readonly panel: HTMLElement;
  readonly where: HTMLElement;
  readonly counts: HTMLElement;
  readonly cable: HTMLInputElement;
  readonly problem: HTMLElement;
  readonly tabs: readonly HTMLElement[];
  readonly main: HTMLElement;
}

function wasOpen(): boolean {
  try {
    return sessionStorage.getItem(OPEN) === "yes";
  } catch {
    return false;
  }
}

function rememberOpen(isOpen: boolean): void {
  try {
    sessionStorage.setItem(OPEN, isOpen ? "yes" : "no");
  } catch {
    // Without it the panel is closed after a reload.
  }
}
