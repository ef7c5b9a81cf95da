// src/engine/json.ts
function isObject(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
function isArray(value) {
	return Array.isArray(value);
}
/** V7: equal values, without making their canonical text. */
function equalJson(a, b) {
	if (a === b) return true;
	if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
	if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
	if (!isObject(b)) return false;
	const names = Object.keys(a);
	if (names.length !== Object.keys(b).length) return false;
	return names.every((name) => Object.hasOwn(b, name) && equalJson(a[name], b[name]));
}
// src/components/dom.ts
/** An element with its attributes and children; text stays text. */
function element(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
	made.append(...children.filter((child) => child !== null));
	return made;
}
function button(label, attributes, call) {
	const made = element("button", {
		type: "button",
		...attributes
	}, label);
	made.addEventListener("click", call);
	return made;
}
var drawn = 0;
/** An id that no other element of the page has. */
function newId(word) {
	drawn += 1;
	return `swain-${word}-${drawn}`;
}
// src/components/style.ts
/** A style sheet that a script makes is allowed where the page's policy forbids styles in the page. */
function styleSheet() {
	const sheet = new CSSStyleSheet();
	sheet.replaceSync(CSS$1);
	return sheet;
}
var CSS$1 = `
:host {
  display: block;
  --ink: var(--swain-ink, #17222e);
  --soft: var(--swain-soft, #526070);
  --line: var(--swain-line, #7a8794);
  --paper: var(--swain-paper, #fff);
  --raised: var(--swain-raised, #f3f6f8);
  --accent: var(--swain-accent, #0b5aa0);
  --on-accent: var(--swain-on-accent, #fff);
  --bad: var(--swain-bad, #b3261e);
  --radius: var(--swain-radius, 8px);
  --space: var(--swain-space, 12px);
  font: var(--swain-font, inherit);
  color: var(--ink);
  background: var(--paper);
}
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
h2, h3, p, dl, dd, ul { margin: 0; padding: 0; }
h2 { font-size: 1.15em; }
h3 { font-size: 1em; }
ul { list-style: none; display: grid; gap: var(--space); margin-top: var(--space); }
article { border: 1px solid var(--line); border-radius: var(--radius); padding: var(--space); display: grid; gap: var(--space); }
.versions { display: grid; gap: var(--space); grid-template-columns: repeat(auto-fit, minmax(min(100%, 14em), 1fr)); }
.versions > div { background: var(--raised); border-radius: var(--radius); padding: var(--space); }
dt { color: var(--soft); font-size: .875em; }
dd { white-space: pre-wrap; overflow-wrap: anywhere; margin-top: .25em; }
.none { color: var(--soft); font-style: italic; }
.soft { color: var(--soft); font-size: .875em; }
.bad { color: var(--bad); }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; }
button {
  font: inherit; min-height: 44px; padding: 0 14px; border: 1px solid var(--line); border-radius: var(--radius);
  background: var(--paper); color: var(--ink); cursor: pointer; overflow-wrap: anywhere;
}
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button:focus-visible, input:focus-visible, textarea:focus-visible, h2:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px;
}
label { display: grid; gap: 4px; font-size: .875em; color: var(--soft); }
input, textarea {
  font: inherit; font-size: 1rem; color: var(--ink); background: var(--paper); width: 100%; min-height: 44px;
  border: 1px solid var(--line); border-radius: var(--radius); padding: 8px;
}
textarea { min-height: 6em; }
form { display: grid; gap: var(--space); }
`;
// src/components/words.ts
function shown(value) {
	if (value === null || value === "") return null;
	return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
/** Who wrote the value that waits, and who the one that the row had. */
function people(conflict, names, user) {
	const name = (id, other) => {
		if (id === null) return other;
		return id === user ? "you" : names(id);
	};
	return {
		mine: name(conflict.mineBy, "a visitor"),
		theirs: name(conflict.theirsBy, conflict.theirsName ?? "another program")
	};
}
function when(at) {
	if (at === null) return "";
	return new Date(at).toLocaleString(void 0, {
		dateStyle: "medium",
		timeStyle: "short"
	});
}
function capital(text) {
	return text.charAt(0).toUpperCase() + text.slice(1);
}
/** What an edit wanted, in a few words. */
function wish({ ops }) {
	const [first] = ops;
	if (first === void 0) return "a change";
	const [verb, { table }] = Object.entries(first)[0];
	return `${VERBS[verb] ?? verb} ${table}`;
}
var VERBS = {
	insert: "new row in",
	update: "change in",
	upsert: "change in",
	delete: "deleting a row of"
};
/** The value of what a person typed, of the type that the other values have; undefined when it is none. */
function typed(text, like) {
	if (like.every((value) => value === null || typeof value === "string")) return text;
	try {
		const value = JSON.parse(text);
		return new Set(like.filter((one) => one !== null).map((one) => typeof one)).has(typeof value) ? value : void 0;
	} catch {
		return;
	}
}
// src/components/conflict.ts
/**
* One conflict: who wrote what and when, and what can be made of it. Given `conflict` and `client`; says `swain-decided`
* or `swain-failed` (detail: the error), both bubbling.
*/
var SwainConflict = class extends HTMLElement {
	#conflict = null;
	#client = null;
	#names = (user) => user;
	#root = this.attachShadow({ mode: "open" });
	constructor() {
		super();
		this.#root.adoptedStyleSheets = [styleSheet()];
	}
	get conflict() {
		return this.#conflict;
	}
	set conflict(conflict) {
		const before = this.#conflict;
		this.#conflict = conflict;
		if (JSON.stringify(before) !== JSON.stringify(conflict)) this.#draw();
	}
	get client() {
		return this.#client;
	}
	set client(client) {
		this.#client = client;
		this.#draw();
	}
	get names() {
		return this.#names;
	}
	set names(names) {
		this.#names = names;
		this.#draw();
	}
	#draw() {
		const conflict = this.#conflict;
		if (conflict === null) return this.#root.replaceChildren();
		const user = this.#client?.auth.getSnapshot()?.id ?? null;
		const { mine, theirs } = people(conflict, this.#names, user);
		const title = newId("conflict");
		const versions = element("dl", { class: "versions" }, version(`${capital(mine)} wrote, ${when(conflict.mineAt)}`, conflict.mine, "mine"), version(`${capital(theirs)} wrote, ${when(conflict.theirsAt)}`, conflict.theirs, "theirs"), this.#hasProposal(conflict) ? version("Put together", conflict.merged, "merged") : null);
		const article = element("article", { "aria-labelledby": title }, element("h3", { id: title }, `${capital(conflict.column)} in ${conflict.table}: two versions`), versions, this.#choices(conflict, mine, theirs));
		this.#root.replaceChildren(article);
	}
	#hasProposal({ merged, mine, theirs }) {
		return merged !== null && !equalJson(merged, mine) && !equalJson(merged, theirs);
	}
	#choices(conflict, mine, theirs) {
		const of = (who) => who === "you" ? "your version" : `the version of ${who}`;
		const choices = element("div", { class: "buttons" });
		choices.append(button(`Take ${of(mine)}`, {
			class: "primary",
			"data-choice": "mine"
		}, () => this.#decide("mine")), button(`Keep ${of(theirs)}`, { "data-choice": "theirs" }, () => this.#decide("theirs")));
		if (this.#hasProposal(conflict)) choices.append(button("Take both, put together", { "data-choice": "merged" }, () => this.#decide("merged")));
		choices.append(button("Write another", { "data-choice": "edit" }, () => this.#edit(conflict, choices)));
		return choices;
	}
	#edit(conflict, choices) {
		const { mine, theirs, merged } = conflict;
		const problem = element("p", {
			class: "bad",
			role: "alert"
		});
		const field = element("textarea", { name: "value" });
		field.value = shown(merged ?? mine) ?? "";
		const form = element("form", {}, element("label", {}, capital(conflict.column), field), problem, element("div", { class: "buttons" }, element("button", { class: "primary" }, "Save"), button("Cancel", {}, () => {
			form.replaceWith(choices);
			choices.querySelector("[data-choice=edit]")?.focus();
		})));
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			const value = typed(field.value, [mine, theirs]);
			if (value === void 0) problem.textContent = "This is not a value of the right kind.";
			else this.#decide({ value });
		});
		choices.replaceWith(form);
		field.focus();
	}
	#decide(decision) {
		if (this.#client === null || this.#conflict === null) return;
		try {
			const mutation = this.#client.inbox.resolve(this.#conflict.id, decision);
			this.#say("swain-decided", this.#conflict);
			mutation.synced.catch((error) => this.#say("swain-failed", error));
		} catch (error) {
			this.#say("swain-failed", error);
		}
	}
	#say(name, detail) {
		this.dispatchEvent(new CustomEvent(name, {
			detail,
			bubbles: true,
			composed: true
		}));
	}
};
function version(head, value, part) {
	const text = shown(value);
	const body = text === null ? element("dd", { class: "none" }, "empty") : element("dd", {}, text);
	return element("div", { "data-version": part }, element("dt", {}, head), body);
}
// src/components/refusal.ts
/** One refused edit, with those that were refused because of it: what was wanted, why not, and what becomes of it. */
function refusalCard(refusal, client, fail) {
	const [first] = refusal.edits;
	const title = newId("refusal");
	const values = element("dl", { class: "versions" });
	for (const [column, value] of valuesOf(refusal)) {
		const text = shown(value);
		const body = text === null ? element("dd", { class: "none" }, "empty") : element("dd", {}, text);
		values.append(element("div", {}, element("dt", {}, capital(column)), body));
	}
	const others = refusal.edits.length - 1;
	const article = element("article", {
		"aria-labelledby": title,
		"data-code": first?.code ?? ""
	}, element("h3", { id: title }, `Not saved: ${first === void 0 ? "a change" : wish(first)}`), element("p", { class: "bad" }, first?.message ?? ""), element("p", { class: "soft" }, when(first?.at ?? null)), others > 0 ? element("p", { class: "soft" }, `${others} more depend${others === 1 ? "s" : ""} on it.`) : null, values.childElementCount > 0 ? values : null);
	article.append(choices(refusal, client, fail));
	return article;
}
function choices(refusal, client, fail) {
	const buttons = element("div", { class: "buttons" });
	const retry = (edit) => {
		try {
			client.inbox.retry(refusal.id, edit).synced.catch(fail);
		} catch (error) {
			fail(error);
		}
	};
	buttons.append(button("Try again", {
		class: "primary",
		"data-choice": "retry"
	}, () => retry()), button("Change and try again", { "data-choice": "edit" }, () => buttons.replaceWith(correction())), button("Discard", { "data-choice": "discard" }, () => void client.inbox.discard(refusal.id).catch(fail)));
	const correction = () => {
		const problem = element("p", {
			class: "bad",
			role: "alert"
		});
		const fields = valuesOf(refusal).map(([column, value]) => {
			const field = element("input", { name: column });
			field.value = shown(value) ?? "";
			return {
				column,
				value,
				field
			};
		});
		const form = element("form", {}, ...fields.map(({ column, field }) => element("label", {}, capital(column), field)));
		form.append(problem, element("div", { class: "buttons" }, element("button", { class: "primary" }, "Save"), button("Cancel", {}, () => form.replaceWith(buttons))));
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			const changed = /* @__PURE__ */ new Map();
			for (const { column, value, field } of fields) {
				const now = typed(field.value, [value]);
				if (now === void 0) {
					problem.textContent = `${capital(column)} is not a value of the right kind.`;
					return;
				}
				if (field.value !== (shown(value) ?? "")) changed.set(column, now);
			}
			retry((ops) => ops.map((operation) => withValues(operation, changed)));
			form.replaceWith(buttons);
		});
		queueMicrotask(() => fields[0]?.field.focus());
		return form;
	};
	return buttons;
}
/** What was to be set, by column; of a column that is set twice, the last. */
function valuesOf(refusal) {
	const values = /* @__PURE__ */ new Map();
	for (const operation of refusal.edits.flatMap(({ ops }) => ops)) for (const [column, value] of Object.entries(setOf(operation))) values.set(column, value);
	return [...values];
}
function setOf(operation) {
	if ("insert" in operation) return operation.insert.set;
	if ("upsert" in operation) return operation.upsert.set;
	return "update" in operation ? operation.update.set ?? {} : {};
}
function withValues(operation, values) {
	const set = Object.fromEntries(Object.entries(setOf(operation)).map(([column, value]) => [column, values.get(column) ?? value]));
	if ("insert" in operation) return { insert: {
		...operation.insert,
		set
	} };
	if ("upsert" in operation) return { upsert: {
		...operation.upsert,
		set
	} };
	return "update" in operation && operation.update.set !== void 0 ? { update: {
		...operation.update,
		set
	} } : operation;
}
// src/components/inbox.ts
/** All that waits for the person of `client`: conflicts and refusals. `names` says who a user is. */
var SwainInbox = class extends HTMLElement {
	#client = null;
	#names = (user) => user;
	#stop = () => void 0;
	#items = /* @__PURE__ */ new Map();
	#head = element("h2", {
		tabindex: "-1",
		id: "head"
	});
	#list = element("ul", { "aria-labelledby": "head" });
	/** Read out when it changes, without taking the focus. */
	#told = element("p", {
		role: "status",
		class: "soft"
	});
	constructor() {
		super();
		const root = this.attachShadow({ mode: "open" });
		root.adoptedStyleSheets = [styleSheet()];
		root.append(element("section", { "aria-labelledby": "head" }, this.#head, this.#told, this.#list));
		root.addEventListener("swain-failed", (event) => this.#fail(event.detail));
	}
	get client() {
		return this.#client;
	}
	set client(client) {
		this.#client = client;
		if (this.isConnected) this.#watch();
	}
	get names() {
		return this.#names;
	}
	/** Who users are may become known later: set it again. */
	set names(names) {
		this.#names = names;
		for (const conflict of this.#list.querySelectorAll("swain-conflict")) conflict.names = names;
	}
	connectedCallback() {
		this.#watch();
	}
	disconnectedCallback() {
		this.#stop();
	}
	#watch() {
		this.#stop();
		this.#stop = this.#client?.inbox.subscribe(() => this.#draw()) ?? (() => void 0);
		this.#draw();
	}
	#draw() {
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
		if (hadFocus && !this.#hasFocus()) this.#head.focus();
	}
	#hasFocus() {
		const { activeElement } = this.shadowRoot ?? { activeElement: null };
		return activeElement !== null;
	}
	/** What a person is writing stays, as long as the item is the same. */
	#show(item, at) {
		const text = JSON.stringify(item);
		const known = this.#items.get(item.id);
		const place = known?.text === text ? known.place : element("li", {}, this.#card(item));
		if (known !== void 0 && known.place !== place) known.place.replaceWith(place);
		this.#items.set(item.id, {
			text,
			place
		});
		const there = this.#list.children.item(at);
		if (there !== place) this.#list.insertBefore(place, there);
	}
	#card(item) {
		const client = this.#client;
		if (client === null) return element("article");
		if (item.kind === "refusal") return refusalCard(item, client, (error) => this.#fail(error));
		const conflict = new SwainConflict();
		conflict.client = client;
		conflict.names = this.#names;
		conflict.conflict = item;
		return conflict;
	}
	#fail(error) {
		const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
		this.#told.textContent = TOLD[code] ?? (error instanceof Error ? error.message : String(error));
	}
};
var TOLD = {
	already_resolved: "Somebody else has decided this already.",
	conflict: "Somebody changed it meanwhile. Look at it again.",
	row_gone: "It is not there any more."
};
// src/components/presence.ts
/** Those who are in `room` besides this tab, as circles with initials; who comes and goes is read out. */
var SwainPresence = class extends HTMLElement {
	#room = null;
	#describe = (other) => other.name ?? other.user ?? "a visitor";
	#stop = () => void 0;
	#shown = /* @__PURE__ */ new Map();
	#list = element("ul", {
		class: "people",
		"aria-label": "Also here"
	});
	/** Read out when it changes, without taking the focus. */
	#told = element("p", {
		role: "status",
		class: "unseen"
	});
	constructor() {
		super();
		const root = this.attachShadow({ mode: "open" });
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(CSS);
		root.adoptedStyleSheets = [styleSheet(), sheet];
		this.#list.hidden = true;
		root.append(this.#list, this.#told);
	}
	get room() {
		return this.#room;
	}
	/** Whoever joined the room leaves it, too. */
	set room(room) {
		this.#room = room;
		if (this.isConnected) this.#watch();
	}
	get describe() {
		return this.#describe;
	}
	set describe(describe) {
		this.#describe = describe;
		this.#draw();
	}
	connectedCallback() {
		this.#watch();
	}
	disconnectedCallback() {
		this.#stop();
	}
	#watch() {
		this.#stop();
		this.#shown.clear();
		this.#stop = this.#room?.others.subscribe(() => this.#draw()) ?? (() => void 0);
		this.#draw();
	}
	#draw() {
		const others = this.#room?.others.getSnapshot() ?? [];
		const names = new Map(others.map((other) => [other.id, this.#describe(other)]));
		const text = (shown) => JSON.stringify([...shown]);
		if (text(names) === text(this.#shown) && this.#list.childElementCount === others.length) return;
		this.#list.replaceChildren(...others.map((other) => person(other, names.get(other.id) ?? "")));
		this.#list.hidden = others.length === 0;
		const came = [...names].filter(([id]) => !this.#shown.has(id)).map(([, name]) => `${name} is here.`);
		const left = [...this.#shown].filter(([id]) => !names.has(id)).map(([, name]) => `${name} has left.`);
		this.#shown = names;
		if (came.length + left.length > 0) this.#told.textContent = [...came, ...left].join(" ");
	}
};
function person(other, name) {
	const mark = element("span", {
		class: "mark",
		"aria-hidden": "true"
	}, initials(name));
	mark.style.setProperty("--hue", String(hue(other.user ?? name)));
	return element("li", { title: name }, mark, element("span", { class: "unseen" }, name));
}
function initials(name) {
	const words = name.split(/\s+/).filter((word) => word !== "");
	return (words.length > 1 ? [words[0], words.at(-1)] : words).map((word) => [...word ?? ""][0] ?? "").join("").toUpperCase();
}
/** The same for the same person on every device. */
function hue(text) {
	let sum = 0;
	for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360;
	return sum;
}
var CSS = `
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
// src/components/components.ts
/** Importing this file defines the elements, once. */
for (const [name, made] of [
	["swain-conflict", SwainConflict],
	["swain-inbox", SwainInbox],
	["swain-presence", SwainPresence]
]) if (customElements.get(name) === void 0) customElements.define(name, made);
export { SwainConflict, SwainInbox, SwainPresence };
