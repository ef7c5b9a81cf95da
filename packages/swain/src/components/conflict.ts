import type { Client } from "../client/client.js";
import type { Conflict, Decision } from "../client/inbox.js";
import { equalJson, type Json } from "../engine/json.js";
import { button, element, newId } from "./dom.js";
import { styleSheet } from "./style.js";
import { capital, type Names, people, shown, typed, when } from "./words.js";

/**
 * One conflict: who wrote what and when, and what can be made of it. Given `conflict` and `client`; says `swain-decided`
 * or `swain-failed` (detail: the error), both bubbling.
 */
export class SwainConflict extends HTMLElement {
  #conflict: Conflict | null = null;
  #client: Client | null = null;
  #names: Names = (user) => user;
  readonly #root = this.attachShadow({ mode: "open" });

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [styleSheet()];
  }

  get conflict(): Conflict | null {
    return this.#conflict;
  }

  set conflict(conflict: Conflict | null) {
    const before = this.#conflict;
    this.#conflict = conflict;
    if (JSON.stringify(before) !== JSON.stringify(conflict)) this.#draw();
  }

  get client(): Client | null {
    return this.#client;
  }

  set client(client: Client | null) {
    this.#client = client;
    this.#draw();
  }

  get names(): Names {
    return this.#names;
  }

  set names(names: Names) {
    this.#names = names;
    this.#draw();
  }

  #draw(): void {
    const conflict = this.#conflict;
    if (conflict === null) return this.#root.replaceChildren();
    const user = this.#client?.auth.getSnapshot()?.id ?? null;
    const { mine, theirs } = people(conflict, this.#names, user);
    const title = newId("conflict");
    const versions = element(
      "dl",
      { class: "versions" },
      version(`${capital(mine)} wrote, ${when(conflict.mineAt)}`, conflict.mine, "mine"),
      version(`${capital(theirs)} wrote, ${when(conflict.theirsAt)}`, conflict.theirs, "theirs"),
      this.#hasProposal(conflict) ? version("Put together", conflict.merged, "merged") : null,
    );
    const article = element(
      "article",
      { "aria-labelledby": title },
      element("h3", { id: title }, `${capital(conflict.column)} in ${conflict.table}: two versions`),
      versions,
      this.#choices(conflict, mine, theirs),
    );
    this.#root.replaceChildren(article);
  }

  #hasProposal({ merged, mine, theirs }: Conflict): boolean {
    return merged !== null && !equalJson(merged, mine) && !equalJson(merged, theirs);
  }

  #choices(conflict: Conflict, mine: string, theirs: string): HTMLElement {
    const of = (who: string): string => (who === "you" ? "your version" : `the version of ${who}`);
    const choices = element("div", { class: "buttons" });
    choices.append(
      button(`Take ${of(mine)}`, { class: "primary", "data-choice": "mine" }, () => this.#decide("mine")),
      button(`Keep ${of(theirs)}`, { "data-choice": "theirs" }, () => this.#decide("theirs")),
    );
    if (this.#hasProposal(conflict)) {
      choices.append(button("Take both, put together", { "data-choice": "merged" }, () => this.#decide("merged")));
    }
    choices.append(button("Write another", { "data-choice": "edit" }, () => this.#edit(conflict, choices)));
    return choices;
  }

  #edit(conflict: Conflict, choices: HTMLElement): void {
    const { mine, theirs, merged } = conflict;
    const problem = element("p", { class: "bad", role: "alert" });
    const field = element("textarea", { name: "value" });
    field.value = shown(merged ?? mine) ?? "";
    const form = element(
      "form",
      {},
      element("label", {}, capital(conflict.column), field),
      problem,
      element(
        "div",
        { class: "buttons" },
        element("button", { class: "primary" }, "Save"),
        button("Cancel", {}, () => {
          form.replaceWith(choices);
          choices.querySelector<HTMLElement>("[data-choice=edit]")?.focus();
        }),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = typed(field.value, [mine, theirs]);
      if (value === undefined) problem.textContent = "This is not a value of the right kind.";
      else this.#decide({ value });
    });
    choices.replaceWith(form);
    field.focus();
  }

  #decide(decision: Decision): void {
    if (this.#client === null || this.#conflict === null) return;
    try {
      const mutation = this.#client.inbox.resolve(this.#conflict.id, decision);
      this.#say("swain-decided", this.#conflict);
      mutation.synced.catch((error: unknown) => this.#say("swain-failed", error));
    } catch (error) {
      this.#say("swain-failed", error);
    }
  }

  #say(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

function version(head: string, value: Json, part: string): HTMLElement {
  const text = shown(value);
  const body = text === null ? element("dd", { class: "none" }, "empty") : element("dd", {}, text);
  return element("div", { "data-version": part }, element("dt", {}, head), body);
}
