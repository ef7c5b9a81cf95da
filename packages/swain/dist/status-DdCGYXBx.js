// src/error.ts
/** Every error of this package. `code` is stable and decides what to do; `message` is for people. */
var SwainError = class extends Error {
	code;
	detail;
	constructor(code, message, detail = null, cause) {
		super(message, cause === void 0 ? void 0 : { cause });
		this.name = "SwainError";
		this.code = code;
		this.detail = detail;
	}
};
/** V2: the one parser of everything that comes from outside. Throws a SwainError with the code of the rule. */
function parseJson(text) {
	let value;
	try {
		value = JSON.parse(text);
	} catch {
		throw new SwainError("malformed_json", "This is not JSON.");
	}
	const names = { count: 0 };
	value = checked(value, 0, names);
	if (names.count !== namesIn(text)) throw new SwainError("duplicate_name", "An object has a name twice.");
	return value;
}
function isObject(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
function isArray(value) {
	return Array.isArray(value);
}
/** V2: the rules for the inside of a string, also for strings that the application gives. */
function checkText(text) {
	if (text.includes("\0")) throw new SwainError("nul_in_text", "A text holds U+0000.");
	if (LONE_SURROGATE.test(text)) throw new SwainError("lone_surrogate", "A text holds half of a surrogate pair.");
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
/** With the u flag a pair is one character, so this finds halves only. */
var LONE_SURROGATE = /\p{Surrogate}/u;
var SPACE = /[ \n\r\t]*/y;
/** How many strings are names. In JSON one ends at the first quote that is not escaped, and a name has a colon behind. */
function namesIn(text) {
	let count = 0;
	for (let start = text.indexOf("\""); start >= 0;) {
		let end = start;
		do
			end = text.indexOf("\"", end + 1);
		while (isEscaped(text, end));
		SPACE.lastIndex = end + 1;
		SPACE.test(text);
		if (text[SPACE.lastIndex] === ":") count += 1;
		start = text.indexOf("\"", end + 1);
	}
	return count;
}
function isEscaped(text, at) {
	let before = at;
	while (text[before - 1] === "\\") before -= 1;
	return (at - before) % 2 === 1;
}
/** The rules that JSON.parse does not know. Parsed values are nobody else's yet, so they are repaired in place. */
function checked(value, depth, names) {
	if (typeof value === "string") checkText(value);
	if (typeof value === "number") {
		if (!Number.isFinite(value)) throw new SwainError("number_out_of_range", "No double holds a number of it.");
		return value === 0 ? 0 : value;
	}
	if (typeof value !== "object" || value === null) return value;
	if (depth >= 64) throw new SwainError("too_deep", `The nesting is deeper than 64.`);
	const members = value;
	for (const name of Object.keys(members)) {
		const member = members[name] ?? null;
		const next = checked(member, depth + 1, names);
		if (!Object.is(next, member)) members[name] = next;
		if (Array.isArray(value)) continue;
		checkText(name);
		names.count += 1;
	}
	return value;
}
// src/client/status.ts
var NO_STATUS = {
	state: "offline",
	paused: false,
	cached: true,
	pending: 0,
	refused: 0,
	lastSynced: null,
	loading: null,
	transport: null,
	leader: false,
	persistent: false,
	problem: null
};
/** The same object as before when nothing changed. */
function statusOf(tab, before) {
	const { state, paused, cached, loading, transport, problem } = tab.status;
	const status = {
		state,
		paused,
		cached,
		pending: tab.replica.outbox.pendingCount,
		refused: tab.replica.outbox.refused().length,
		lastSynced: tab.replica.meta.lastSynced,
		loading,
		transport,
		leader: tab.isLeader,
		persistent: tab.isPersistent,
		problem
	};
	return JSON.stringify(status) === JSON.stringify(before) ? before : status;
}
function deadLettersOf(tab, before) {
	const letters = tab.replica.outbox.refused().flatMap(({ n, ops, state }) => {
		if (state.kind !== "refused") return [];
		const { code = "refused", detail = null } = state.result;
		return [{
			n,
			ops,
			code,
			detail,
			constraint: constraintOf(detail),
			at: state.at
		}];
	});
	return JSON.stringify(letters) === JSON.stringify(before) ? before : letters;
}
/** S17: the rule that a refusal's detail names. */
function constraintOf(detail) {
	if (!isObject(detail)) return null;
	const { table, columns, rule } = detail;
	if (typeof table !== "string" || typeof rule !== "string") return null;
	return {
		table,
		columns: Array.isArray(columns) ? columns.filter((column) => typeof column === "string") : [],
		rule
	};
}
export { equalJson as a, parseJson as c, checkText as i, SwainError as l, deadLettersOf as n, isArray as o, statusOf as r, isObject as s, NO_STATUS as t };
