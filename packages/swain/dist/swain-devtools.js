// src/devtools/element.ts
/** An element with its attributes and children; text stays text. */
function element(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
	made.append(...children);
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
/** A table in a box of its own, so that only it scrolls sideways. */
function table(heads, rows, whenEmpty) {
	if (rows.length === 0) return element("p", { class: "empty" }, whenEmpty);
	const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
	const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell))));
	return element("div", { class: "wide" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}
function timeOf(at) {
	return new Date(at).toLocaleTimeString(void 0, { hour12: false });
}
function counted(count, noun) {
	return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
// src/devtools/frames.ts
/** So many lines are kept; what is older goes. */
var LINES_MAX = 200;
/** So much of one frame is shown. */
var SHOWN_CHARS_MAX = 2e4;
/** What went up and down, the newest first. */
var FramesView = class {
	node = element("div", { class: "frames" });
	#empty = element("p", { class: "empty" }, "No frame yet. Another tab may hold the connection.");
	#count = 0;
	constructor() {
		this.node.append(this.#empty);
	}
	get count() {
		return this.#count;
	}
	add(line) {
		this.#empty.remove();
		this.#count += 1;
		this.node.prepend(lineNode(line));
		while (this.node.childElementCount > LINES_MAX) this.node.lastElementChild?.remove();
	}
};
function lineNode(line) {
	const [sign = "", text = ""] = [line.slice(0, 1), line.slice(2)];
	const at = element("time", {}, timeOf(Date.now()));
	if (sign !== ">" && sign !== "<") return element("p", { class: "note" }, at, element("span", {}, line));
	const isUp = sign === ">";
	const kind = /^\s*\{\s*"(\w+)"/.exec(text)?.[1] ?? "?";
	const summary = element("summary", {}, at, element("b", {
		class: isUp ? "up" : "down",
		title: isUp ? "to the server" : "from the server"
	}, isUp ? "↑" : "↓"), element("span", { class: "kind" }, kind), element("span", { class: "about" }, aboutOf(kind, text)), element("small", {}, sizeOf(text)));
	const node = element("details", { class: `frame ${kind}` }, summary);
	node.addEventListener("toggle", () => node.append(element("pre", {}, shown(kind, text))), { once: true });
	return node;
}
/** What tells one frame of a kind from the next. */
function aboutOf(kind, text) {
	const body = bodyOf(kind, text);
	const count = (value) => Array.isArray(value) ? value.length : 0;
	if (kind === "push") return counted(count(body.mutations), "mutation");
	if (kind === "results") return counted(count(body.results), "result");
	if (kind === "load") return counted(count(body.rows), "row");
	if (kind === "problem") return String(body.code);
	if (kind === "changes") return `pos ${body.pos}, ${counted(count(body.rows), "row")}`;
	return body.pos === void 0 ? "" : `pos ${body.pos}`;
}
function bodyOf(kind, text) {
	try {
		return JSON.parse(text)[kind] ?? {};
	} catch {
		return {};
	}
}
/** A token is nobody's business, also not that of who looks over the shoulder. */
function shown(kind, text) {
	try {
		const isSecret = kind === "hello" || kind === "auth";
		const hidden = (name, value) => isSecret && name === "token" && value !== null ? "…" : value;
		return JSON.stringify(JSON.parse(text), hidden, 2).slice(0, SHOWN_CHARS_MAX);
	} catch {
		return text.slice(0, SHOWN_CHARS_MAX);
	}
}
function sizeOf(text) {
	return text.length < 1e3 ? `${text.length} B` : `${(text.length / 1e3).toFixed(1)} kB`;
}
// src/devtools/style.ts
/** A style sheet that a script makes is allowed where the page's policy forbids styles in the page. */
function styleSheet() {
	const sheet = new CSSStyleSheet();
	sheet.replaceSync(CSS);
	return sheet;
}
var CSS = `
:host { all: initial; }
* { box-sizing: border-box; }
.root, .trouble {
  --ink: #17222e; --soft: #5a6876; --line: #d8dfe6; --paper: #fff; --raised: #f3f6f8; --accent: #0b63b0;
  --good: #12783d; --busy: #9a5b00; --bad: #b3261e;
}
.root {
  position: fixed; z-index: 2147483000; right: 8px; bottom: 8px; left: auto;
  font: 13px/1.45 system-ui, sans-serif; color: var(--ink); color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  .root, .trouble {
    --ink: #e6ecf2; --soft: #9fb0c0; --line: #33414f; --paper: #131b24; --raised: #1c2733; --accent: #78b7f2;
    --good: #6dd394; --busy: #f0b45a; --bad: #ff8a80;
  }
}
.root[data-open] { left: 8px; }
@media (min-width: 700px) { .root[data-open] { left: auto; width: min(720px, calc(100vw - 16px)); } }
button, select { font: inherit; color: inherit; }
button { cursor: pointer; }
button:focus-visible, select:focus-visible, summary:focus-visible, input:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px;
}
.pill {
  display: flex; align-items: center; gap: 8px; min-height: 40px; padding: 4px 14px; margin-left: auto;
  border: 1px solid var(--line); border-radius: 20px; background: var(--paper); box-shadow: 0 2px 10px #0003;
}
.dot { width: 10px; height: 10px; border-radius: 50%; background: var(--soft); flex: none; }
[data-state="live"] .dot { background: var(--good); }
[data-state="syncing"] .dot, [data-state="connecting"] .dot { background: var(--busy); }
[data-state="offline"] .dot, [data-state="stopped"] .dot { background: var(--bad); }
.panel {
  display: flex; flex-direction: column; height: min(440px, 55vh); overflow: hidden;
  border: 1px solid var(--line); border-radius: 10px; background: var(--paper); box-shadow: 0 6px 24px #0004;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; padding: 4px 2px 4px 12px; }
header .where { display: flex; align-items: center; gap: 8px; font-weight: 600; }
header .counts { color: var(--soft); font-variant-numeric: tabular-nums; }
header .end { margin-left: auto; display: flex; align-items: center; gap: 4px; }
.cable { display: flex; align-items: center; gap: 6px; min-height: 40px; padding: 0 4px; cursor: pointer; }
.cable input { width: 18px; height: 18px; accent-color: var(--accent); }
.close { min-width: 40px; min-height: 40px; border: 0; background: none; font-size: 18px; }
.problem { margin: 0; padding: 6px 12px; color: var(--bad); border-top: 1px solid var(--line); overflow-wrap: anywhere; }
nav { display: flex; gap: 2px; padding: 0 8px; border-bottom: 1px solid var(--line); background: var(--raised); }
nav button { flex: 1 1 auto; min-height: 40px; padding: 0 6px; border: 0; border-bottom: 3px solid transparent; background: none; }
nav button[aria-selected="true"] { border-bottom-color: var(--accent); font-weight: 600; }
nav span { color: var(--soft); font-weight: 400; font-variant-numeric: tabular-nums; }
main { flex: 1; overflow: auto; overscroll-behavior: contain; }
select { min-height: 36px; margin: 8px 12px 0; padding: 0 8px; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
.empty, .facts { margin: 0; padding: 10px 12px; color: var(--soft); }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 5px 6px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { padding-left: 12px; }
th:last-child, td:last-child { padding-right: 12px; }
th { color: var(--soft); font-weight: 500; position: sticky; top: 0; background: var(--paper); }
code, pre { font: 12px/1.45 ui-monospace, monospace; }
code.line { display: block; white-space: normal; overflow-wrap: anywhere; min-width: 150px; }
td code { white-space: nowrap; }
td code.line { white-space: normal; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 0; padding: 10px 12px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.state { display: block; white-space: normal; color: var(--good); }
.state time { display: block; }
.state.pending, .state.saving { color: var(--busy); }
.state.refused { color: var(--bad); }
.frame { border-bottom: 1px solid var(--line); }
summary { display: flex; align-items: baseline; gap: 8px; min-height: 32px; padding: 6px 12px; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover { background: var(--raised); }
time, small, .about { color: var(--soft); font-variant-numeric: tabular-nums; font-size: 12px; }
.about { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.kind { font-weight: 600; }
.up { color: var(--accent); }
.down { color: var(--good); }
.problem.frame, .goaway.frame { color: var(--bad); padding: 0; border-top: 0; }
.frame pre { margin: 0; padding: 8px 12px; background: var(--raised); white-space: pre-wrap; overflow-wrap: anywhere; max-height: 260px; overflow: auto; color: var(--ink); }
.note { display: flex; gap: 8px; margin: 0; padding: 6px 12px; color: var(--soft); border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.trouble { position: fixed; inset: 0 0 auto; z-index: 2147483001; margin: 0; font: 13px/1.45 ui-monospace, monospace; padding: 12px; max-height: 60vh; overflow: auto; background: var(--paper); color: var(--bad); border-bottom: 2px solid var(--bad); white-space: pre-wrap; overflow-wrap: anywhere; }
.trouble[hidden] { display: none; }
`;
// src/devtools/views.ts
/** What waits and what became of it. */
function outboxView({ outbox, acked }) {
	const rows = outbox.map((entry) => [
		element("span", {}, entry.n === null ? "…" : String(entry.n)),
		element("span", { class: `state ${stateOf(entry)}` }, stateOf(entry), element("time", {}, timeOf(entry.at))),
		element("span", {}, ...entry.ops.map((operation) => element("code", { class: "line" }, textOf(operation))))
	]);
	return element("div", {}, element("p", { class: "facts" }, `acknowledged through ${acked}`), table([
		"n",
		"state",
		"operations"
	], rows, "The outbox is empty."));
}
/** What this device holds, and how far it has got. */
function shapesView({ shapes, mark, device, schema }) {
	const rows = shapes.map(({ shape, rows: count, staged }) => [
		element("code", {}, shape.table),
		element("code", {}, shape.where === void 0 ? "all" : JSON.stringify(shape.where)),
		String(count),
		staged === 0 ? "" : `${staged} loading`
	]);
	const list = [
		["position", mark === null ? "none yet" : String(mark.pos)],
		["epoch", mark?.epoch ?? "none yet"],
		["cursor", mark?.cursor ?? "none yet"],
		["device", device],
		["schema", schema === null ? "none yet" : `version ${schema}`]
	].flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, element("code", {}, text))]);
	return element("div", {}, table([
		"table",
		"where",
		"rows",
		""
	], rows, "No shapes."), element("dl", {}, ...list));
}
/** Rows beyond are not shown; the application's own page is the place for them. */
var ROWS_MAX = 50;
/** Visible rows of one table, as a query of the application sees them. */
function rowsView(client, name) {
	const rows = client.query(name, { limit: ROWS_MAX }).getSnapshot();
	const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
	const cells = rows.map((row) => columns.map((column) => element("code", {}, valueText(row[column]))));
	return element("div", {}, element("p", { class: "facts" }, rows.length < ROWS_MAX ? counted(rows.length, "row") : `the first ${ROWS_MAX} rows`), table(columns, cells, "No rows on this device."));
}
function stateOf(entry) {
	if (entry.n === null) return "saving";
	if (entry.state.kind === "refused") return `refused ${entry.state.result.code ?? ""}`.trim();
	return entry.state.kind === "acked" ? entry.state.result?.status ?? "acknowledged" : "pending";
}
function textOf(operation) {
	if ("insert" in operation) return `insert ${operation.insert.table} ${valueText(operation.insert.set)}`;
	if ("delete" in operation) return `delete ${operation.delete.table} ${keyText(operation.delete.key)}`;
	if ("upsert" in operation) {
		const { table: name, on, set } = operation.upsert;
		return `upsert ${name} by ${on.join(", ")} ${valueText(set)}`;
	}
	const { table: name, key, was: _, ...changes } = operation.update;
	const parts = Object.entries(changes).map(([how, what]) => `${how === "set" ? "" : `${how} `}${valueText(what)}`);
	return `update ${name} ${keyText(key)} ${parts.join(" ")}`;
}
function keyText(key) {
	return key.map((part) => String(part)).join("/");
}
function valueText(value) {
	const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
	return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
// src/devtools/panel.ts
var VIEWS = [
	"frames",
	"outbox",
	"shapes",
	"rows"
];
/** Between two drawings, however fast things change. */
var DRAW_MS = 250;
var OPEN = "swain:devtools:open";
/** A client as the panel follows it: frames are kept from the first moment, everything else is asked for. */
var Watched = class {
	client;
	frames = new FramesView();
	constructor(client, changed) {
		this.client = client;
		client.onLine((line) => {
			this.frames.add(line);
			changed();
		});
		client.status.subscribe(changed);
		client.onChange(changed);
	}
};
/** The panel in the page. It is in a shadow tree: neither the page's styles nor its own reach across. */
var Panel = class {
	#host = document.createElement("swain-devtools");
	#root = element("div", { class: "root" });
	#trouble = element("pre", {
		class: "trouble",
		role: "alert",
		hidden: ""
	});
	#watched = [];
	#shown = null;
	#view = "frames";
	#table = null;
	#isOpen = wasOpen();
	#timer = null;
	#parts = null;
	constructor() {
		const shadow = this.#host.attachShadow({ mode: "open" });
		shadow.adoptedStyleSheets = [styleSheet()];
		shadow.append(this.#trouble, this.#root);
		document.documentElement.append(this.#host);
		this.#build();
	}
	add(client) {
		if (this.#watched.some((one) => one.client === client)) return;
		const watched = new Watched(client, () => this.#drawSoon());
		this.#watched.push(watched);
		this.#shown = watched;
		this.#draw();
	}
	/** What is wrong with what was saved; the page goes on with what was before. */
	tell(problem) {
		this.#trouble.textContent = problem;
		this.#trouble.hidden = false;
	}
	#drawSoon() {
		this.#timer ??= window.setTimeout(() => {
			this.#timer = null;
			this.#draw();
		}, DRAW_MS);
	}
	/** Opened or collapsed. */
	#build() {
		const parts = this.#isOpen ? this.#openParts() : null;
		this.#parts = parts;
		this.#root.toggleAttribute("data-open", this.#isOpen);
		this.#root.replaceChildren(parts === null ? this.#pill() : parts.panel);
		document.body.style.marginBottom = parts === null ? "" : `${parts.panel.offsetHeight + 16}px`;
		this.#draw();
	}
	#pill() {
		const pill = button("", {
			class: "pill",
			"aria-expanded": "false",
			"aria-label": "Open Swain's panel"
		}, () => this.#toggle(true));
		pill.append(element("span", { class: "dot" }), element("span", { class: "text" }));
		return pill;
	}
	#openParts() {
		const where = element("span", { class: "text" });
		const counts = element("span", { class: "counts" });
		const cable = element("input", {
			type: "checkbox",
			role: "switch"
		});
		cable.addEventListener("change", () => {
			if (cable.checked) this.#shown?.client.resume();
			else this.#shown?.client.pause();
		});
		const close = button("✕", {
			class: "close",
			"aria-label": "Close Swain's panel"
		}, () => this.#toggle(false));
		const header = element("header", {}, element("span", { class: "where" }, element("span", { class: "dot" }), where), counts, element("span", { class: "end" }, element("label", { class: "cable" }, cable, "cable"), close));
		const problem = element("p", {
			class: "problem",
			role: "status"
		});
		const tabs = VIEWS.map((view) => {
			const tab = button(view, { role: "tab" }, () => this.#show(view));
			tab.append(" ", element("span", {}));
			return tab;
		});
		const main = element("main", { role: "tabpanel" });
		return {
			panel: element("section", {
				class: "panel",
				"aria-label": "Swain"
			}, header, problem, element("nav", {
				role: "tablist",
				"aria-label": "Swain"
			}, ...tabs), main),
			where,
			counts,
			cable,
			problem,
			tabs,
			main
		};
	}
	#toggle(isOpen) {
		this.#isOpen = isOpen;
		rememberOpen(isOpen);
		this.#build();
		this.#root.querySelector(isOpen ? ".close" : ".pill")?.focus();
	}
	#show(view) {
		this.#view = view;
		this.#draw();
	}
	#draw() {
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
		if (watched === null || status === void 0) return;
		const inspection = watched.client.inspect();
		parts.counts.textContent = `${status.pending} pending${status.leader ? "" : ", another tab leads"}`;
		parts.cable.checked = !status.paused;
		parts.problem.textContent = status.problem === null ? "" : `${status.problem.code}: ${status.problem.title}`;
		parts.problem.hidden = status.problem === null;
		const numbers = {
			frames: String(watched.frames.count),
			outbox: String(inspection.outbox.length),
			shapes: String(inspection.shapes.length),
			rows: ""
		};
		for (const [i, view] of VIEWS.entries()) {
			parts.tabs[i]?.setAttribute("aria-selected", String(view === this.#view));
			parts.tabs[i]?.querySelector("span")?.replaceChildren(numbers[view]);
		}
		this.#drawView(parts.main, watched, inspection);
	}
	#drawView(main, watched, inspection) {
		switch (this.#view) {
			case "frames":
				if (watched.frames.node.parentNode !== main) main.replaceChildren(watched.frames.node);
				return;
			case "outbox": return main.replaceChildren(outboxView(inspection));
			case "shapes": return main.replaceChildren(shapesView(inspection));
			case "rows": {
				const tables = [...new Set(inspection.shapes.map(({ shape }) => shape.table))];
				const table = this.#table !== null && tables.includes(this.#table) ? this.#table : tables[0] ?? null;
				const select = main.querySelector("select") ?? this.#select(tables);
				const view = table === null ? element("p", { class: "empty" }, "No tables.") : rowsView(watched.client, table);
				if (select.parentNode === main) main.replaceChild(view, main.lastElementChild ?? select);
				else main.replaceChildren(select, view);
				return;
			}
			default: this.#view;
		}
	}
	#select(tables) {
		const select = element("select", { "aria-label": "table" }, ...tables.map((name) => element("option", {}, name)));
		if (this.#table !== null) select.value = this.#table;
		select.addEventListener("change", () => {
			this.#table = select.value;
			this.#draw();
		});
		return select;
	}
};
function wasOpen() {
	try {
		return sessionStorage.getItem(OPEN) === "yes";
	} catch {
		return false;
	}
}
function rememberOpen(isOpen) {
	try {
		sessionStorage.setItem(OPEN, isOpen ? "yes" : "no");
	} catch {}
}
// src/devtools/reload.ts
var NAME = "swain:dev-reload";
var ADDRESS = "/api/dev/reload";
/**
* Reloads the page when `swain dev` says that something changed: an event `reload` whose data says what.
* An event `problem` says why what was saved cannot be used; its text goes to `tell`.
* One tab listens for all of them, because a browser opens six connections to a host and no more.
*/
function reloadOnSave(tell) {
	const take = (word) => {
		if (word.kind === "reload") location.reload();
		else tell(word.text);
	};
	if (!("locks" in navigator) || typeof BroadcastChannel === "undefined") return listen(take);
	const channel = new BroadcastChannel(NAME);
	channel.onmessage = (event) => take(event.data);
	navigator.locks.request(NAME, () => {
		listen((word) => {
			channel.postMessage(word);
			take(word);
		});
		return new Promise(() => void 0);
	});
}
function listen(take) {
	const source = new EventSource(ADDRESS);
	source.addEventListener("reload", () => take({ kind: "reload" }));
	source.addEventListener("problem", (event) => take({
		kind: "problem",
		text: String(event.data)
	}));
}
// src/devtools/devtools.ts
var panel = new Panel();
window.addEventListener("swain:client", (event) => {
	if (event instanceof CustomEvent) panel.add(event.detail);
});
window.dispatchEvent(new Event("swain:devtools"));
reloadOnSave((problem) => panel.tell(problem));
