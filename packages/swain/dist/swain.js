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
	value = checked$1(value, 0, names);
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
/** In JSON a string ends at the first quote that is not escaped; one before a colon is a name. */
var STRINGS = /"(?:[^"\\]|\\.)*"([ \n\r\t]*:)?/g;
function namesIn(text) {
	let count = 0;
	for (const [, colon] of text.matchAll(STRINGS)) if (colon !== void 0) count += 1;
	return count;
}
/** The rules that JSON.parse does not know. Parsed values are nobody else's yet, so they are repaired in place. */
function checked$1(value, depth, names) {
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
		const next = checked$1(member, depth + 1, names);
		if (!Object.is(next, member)) members[name] = next;
		if (Array.isArray(value)) continue;
		checkText(name);
		names.count += 1;
	}
	return value;
}
// src/auth/auth.ts
/** An access token is not used in its last moments. */
var MARGIN_MS = 3e4;
/**
* P17, P18: accounts over /api/auth. The refresh token is a cookie that no script sees, the access token lives in
* memory only, and who was signed in last is remembered, so that a reload offline finds the right store.
*/
var Auth = class {
	#environment;
	#origin;
	#name;
	#changed;
	#user;
	#access = null;
	#refreshing = null;
	/** `changed`: somebody else, or nobody, is signed in now. */
	constructor(environment, origin, changed) {
		this.#environment = environment;
		this.#origin = origin;
		this.#name = `swain:user:${origin}`;
		this.#changed = changed;
		this.#user = this.#remembered();
	}
	get user() {
		return this.#user;
	}
	/** The name in localStorage; another tab may change it. */
	get storageName() {
		return this.#name;
	}
	async signup(input) {
		return this.#adopt(await this.#post("signup", input));
	}
	async login(input) {
		return this.#adopt(await this.#post("login", input));
	}
	async changePassword(input) {
		return this.#adopt(await this.#post("password", input, await this.token(false)));
	}
	/** A mail with a link, if somebody has this address; nobody is told whether. */
	async requestReset(email) {
		await this.#post("reset", { email });
	}
	async resetPassword(input) {
		return this.#adopt(await this.#post("reset", input));
	}
	/** Null: a mail with a link to the own address. */
	async verify(token) {
		await (token === null ? this.#post("verify", {}, await this.token(false)) : this.#post("verify", { token }));
	}
	/** Signed out on this device even when the server is not reached; `everywhere` only when it is, or nothing would end elsewhere. */
	async logout(everywhere) {
		if (everywhere) await this.#post("logout", { everywhere }, await this.token(false));
		this.#access = null;
		this.#become(null);
		if (!everywhere) await this.#post("logout", {}).catch(() => void 0);
	}
	/** Somebody signed in or out in another tab. */
	handleStored() {
		const user = this.#remembered();
		if (user?.id === this.#user?.id) return;
		this.#access = null;
		this.#become(user);
	}
	/** Null: nobody is signed in. Throws `offline`, or the code with which the server refused. */
	async token(fresh) {
		if (this.#user === null) return null;
		const access = this.#access;
		if (!fresh && access !== null && access.ends - MARGIN_MS > this.#environment.now()) return access.token;
		this.#refreshing ??= this.#refresh().finally(() => {
			this.#refreshing = null;
		});
		return this.#refreshing;
	}
	/** A refresh token is used once; two tabs do not use the same one at the same time. */
	async #refresh() {
		const user = this.#user;
		const answer = await this.#locked(() => this.#post("refresh", {}));
		if (this.#user !== user) throw new SwainError("offline", "Somebody else signed in meanwhile.");
		if (this.#adopt(answer).id !== user?.id) throw new SwainError("offline", "Somebody else is signed in.");
		return this.#access?.token ?? "";
	}
	async #locked(work) {
		const { locks } = this.#environment;
		if (locks === null) return work();
		let result = null;
		await locks.request(`swain:auth:${this.#origin}`, { mode: "exclusive" }, async () => {
			result = { value: await work() };
		});
		return result.value;
	}
	async #post(path, body, bearer) {
		let response;
		let text;
		try {
			response = await this.#environment.fetch(`${this.#origin}/api/auth/${path}`, {
				method: "POST",
				credentials: "include",
				headers: {
					"content-type": "application/json",
					...bearer && { authorization: `Bearer ${bearer}` }
				},
				body: JSON.stringify(body)
			});
			text = await response.text();
		} catch (error) {
			throw new SwainError("offline", "The server was not reached.", null, error);
		}
		if (response.ok) return text === "" ? null : parseJson(text);
		throw refusal(response.status, text);
	}
	#adopt(answer) {
		const { user, access, expires, now } = isObject(answer) ? answer : {};
		if (!isObject(user) || typeof user.id !== "string" || typeof access !== "string") throw new SwainError("bad_answer", "The server's answer to the sign-in is not understood.");
		const lasts = typeof expires === "number" && typeof now === "number" ? expires - now : 0;
		this.#access = {
			token: access,
			ends: this.#environment.now() + lasts
		};
		const signedIn = toUser(user.id, user);
		this.#become(signedIn);
		return signedIn;
	}
	#become(user) {
		const isSame = JSON.stringify(user) === JSON.stringify(this.#user);
		this.#user = isSame ? this.#user : user;
		try {
			const { localStorage } = this.#environment;
			if (user === null) localStorage?.removeItem(this.#name);
			else localStorage?.setItem(this.#name, JSON.stringify(user));
		} catch {}
		if (!isSame) this.#changed();
	}
	#remembered() {
		try {
			const text = this.#environment.localStorage?.getItem(this.#name) ?? null;
			return text === null ? null : rememberedUser(parseJson(text));
		} catch {
			return null;
		}
	}
};
function rememberedUser(user) {
	return isObject(user) && typeof user.id === "string" ? toUser(user.id, user) : null;
}
function toUser(id, from) {
	const text = (value) => typeof value === "string" ? value : "";
	const name = typeof from.name === "string" ? from.name : null;
	return {
		id,
		email: text(from.email),
		name,
		role: text(from.role)
	};
}
/** Overload, a proxy's error page and the like say nothing about the person: try again later. */
function refusal(status, text) {
	if (status >= 500 || status === 429 || status === 408) return new SwainError("offline", `The server answered ${status}.`);
	let problem = null;
	try {
		problem = parseJson(text);
	} catch {}
	const body = isObject(problem) ? problem : {};
	return new SwainError(typeof body.code === "string" ? body.code : `http_${status}`, typeof body.title === "string" ? body.title : `The server answered ${status}.`, body.detail ?? null);
}
// src/engine/backoff.ts
/** C8: full jitter never waits longer than this. */
var BACKOFF_MAX_MS = 3e4;
var FIRST_DELAY_MS = 1e3;
/** C8: random(0..min(30 s, first · 2^attempt)); `random` is in [0, 1). */
function backoffMs(attempt, firstMs, random) {
	return random * Math.min(BACKOFF_MAX_MS, firstMs * 2 ** Math.min(attempt, 30));
}
// src/engine/batch.ts
function newMeta(device) {
	return {
		device,
		lastN: 0,
		acked: 0,
		mark: null,
		schema: null,
		offset: 0,
		lastSynced: null,
		loadToken: null,
		generation: 0,
		number: 0
	};
}
/** The part of a batch that goes into the meta record. */
function metaAfter(meta, batch) {
	return {
		...meta,
		acked: batch.acked ?? meta.acked,
		mark: batch.mark === void 0 ? meta.mark : batch.mark,
		schema: batch.schema ?? meta.schema,
		offset: batch.offset ?? meta.offset,
		lastSynced: batch.lastSynced ?? meta.lastSynced,
		loadToken: batch.staging?.token === void 0 ? meta.loadToken : batch.staging.token
	};
}
// src/engine/canonical.ts
/** V3: RFC 8785. The value must have passed `parseJson` or `toJson`. */
function canonical(value) {
	if (typeof value !== "object" || value === null) return JSON.stringify(value);
	if (isArray(value)) return `[${value.map(canonical).join(",")}]`;
	return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`).join(",")}}`;
}
/** Takes a value of the application as JSON under the rules of V2; throws with the place in `detail`. */
function toJson(value, place, depth = 0) {
	switch (typeof value) {
		case "boolean": return value;
		case "string": return textAt(value, place);
		case "number":
			if (!Number.isFinite(value)) throw notJson(place);
			return value === 0 ? 0 : value;
		case "object": break;
		default: throw notJson(place);
	}
	if (value === null) return null;
	if (depth >= 64) throw new SwainError("too_deep", `${place} is nested deeper than 64.`, { at: place });
	if (Array.isArray(value)) return value.map((item, i) => toJson(item, `${place}[${i}]`, depth + 1));
	return objectToJson(value, place, depth);
}
function objectToJson(value, place, depth) {
	const prototype = Object.getPrototypeOf(value);
	if (prototype !== Object.prototype && prototype !== null) throw notJson(place);
	const entries = Object.entries(value).map(([name, member]) => {
		const at = `${place}.${name}`;
		return [textAt(name, at), toJson(member, at, depth + 1)];
	});
	return Object.fromEntries(entries);
}
function textAt(text, place) {
	try {
		checkText(text);
	} catch (error) {
		if (error instanceof SwainError) throw new SwainError(error.code, error.message, { at: place });
		throw error;
	}
	return text;
}
function notJson(place) {
	return new SwainError("wrong_type", `${place} is not a JSON value.`, { at: place });
}
// src/engine/hash.ts
var utf8 = new TextEncoder();
/** V4: FNV-1a, 64 bits, over the UTF-8 bytes, as 16 lower-case hex digits. */
function hash(text) {
	let high = 3421674724;
	let low = 2216829733;
	for (const byte of utf8.encode(text)) {
		low = (low ^ byte) >>> 0;
		const product = low * 435;
		high = high * 435 + Math.floor(product / 4294967296) + low * 256 >>> 0;
		low = product >>> 0;
	}
	return hex$1(high) + hex$1(low);
}
function hashJson(value) {
	return hash(canonical(value));
}
function byteLength(text) {
	return utf8.encode(text).length;
}
function hex$1(half) {
	return half.toString(16).padStart(8, "0");
}
// src/engine/schema.ts
/** V5: the identity of a row within its table. */
function keyText(key) {
	return canonical(key);
}
function keyOf(row, table) {
	return table.key.map((column) => row[column] ?? null);
}
function tableOf(schema, name) {
	if (schema === null) throw new SwainError("schema_unknown", "This device has never been connected, so it does not know the tables. Connect once, then edit.");
	const table = Object.hasOwn(schema.tables, name) ? schema.tables[name] : void 0;
	if (table === void 0) throw new SwainError("unknown_table", `There is no table ${name}.`, { table: name });
	return table;
}
function columnOf(table, name, place) {
	const column = Object.hasOwn(table.columns, name) ? table.columns[name] : void 0;
	if (column === void 0) throw new SwainError("unknown_column", `${place}: there is no such column.`, { at: place });
	return column;
}
var INT64_MIN = -(2n ** 63n);
var INT64_MAX = 2n ** 63n - 1n;
/**
* V1: the wire form of a value that the application gives for a column.
* Beside JSON it takes a bigint for int64, Infinity for float64 and a Uint8Array for bytes.
*/
function toWire(value, column, place) {
	if (value === null) return null;
	switch (column.type) {
		case "bool": return expectType(typeof value === "boolean", value, place);
		case "int64": return int64ToWire(value, place);
		case "float64": return float64ToWire(value, place);
		case "decimal":
		case "text":
		case "time": return expectType(typeof value === "string", value, place);
		case "bytes":
			if (value instanceof Uint8Array) return toBase64(value);
			return expectType(typeof value === "string" && BASE64.test(value), value, place);
		default: return toJson(value, place);
	}
}
/** The wire form of an integer, or null when it is not an int64. */
function bigintToWire(value) {
	if (value < INT64_MIN || value > INT64_MAX) return null;
	const number = Number(value);
	return Number.isSafeInteger(number) ? number : value.toString();
}
/** The integer that a wire value stands for, or null when it is none. */
function wireToBigint(value) {
	if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
	if (typeof value !== "string" || !INTEGER.test(value)) return null;
	const integer = BigInt(value);
	return integer < INT64_MIN || integer > INT64_MAX ? null : integer;
}
var INTEGER = /^(?:0|-?[1-9][0-9]{0,18})$/;
var DIGITS = /^-?[0-9]{1,40}$/;
var BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
function int64ToWire(value, place) {
	if (typeof value === "number") {
		if (!Number.isInteger(value)) throw wrongType(place);
		if (!Number.isSafeInteger(value)) throw outOfRange(place);
		return value === 0 ? 0 : value;
	}
	if (typeof value === "bigint") {
		const wire = bigintToWire(value);
		if (wire === null) throw outOfRange(place);
		return wire;
	}
	if (typeof value !== "string" || !DIGITS.test(value)) throw wrongType(place);
	const wire = bigintToWire(BigInt(value));
	if (wire === null) throw outOfRange(place);
	if (wire !== value) throw wrongType(place);
	return value;
}
function float64ToWire(value, place) {
	if (value === Number.POSITIVE_INFINITY || value === "Infinity") return "Infinity";
	if (value === Number.NEGATIVE_INFINITY || value === "-Infinity") return "-Infinity";
	return expectType(typeof value === "number" && !Number.isNaN(value), value, place);
}
function expectType(fits, value, place) {
	if (!fits) throw wrongType(place);
	return toJson(value, place);
}
function toBase64(bytes) {
	return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
function wrongType(place) {
	return new SwainError("wrong_type", `${place} has another type than its column.`, { at: place });
}
function outOfRange(place) {
	return new SwainError("number_out_of_range", `${place} is not in the range of its column.`, { at: place });
}
// src/engine/operation.ts
/** What an operation is about. */
function targetOf(operation) {
	if ("insert" in operation) return operation.insert;
	if ("upsert" in operation) return operation.upsert;
	return "update" in operation ? operation.update : operation.delete;
}
/** The columns that an operation writes; null stands for all of them. */
function columnsWritten(operation) {
	if ("upsert" in operation) return Object.keys(operation.upsert.set);
	if (!("update" in operation)) return null;
	const { set, inc, add, remove } = operation.update;
	return [
		set,
		inc,
		add,
		remove
	].flatMap((columns) => Object.keys(columns ?? {}));
}
/** M2: the row after the operation, null when there is none. Columns that the schema does not have are left out. */
function applyOperation(row, operation, table) {
	if ("insert" in operation) return inserted(operation.insert, table);
	if ("delete" in operation) return null;
	if ("upsert" in operation) {
		const { upsert } = operation;
		return row === null ? inserted(upsert, table) : updated(row, upsert, table);
	}
	return row === null ? null : updated(row, operation.update, table);
}
function inserted(insert, table) {
	const row = Object.keys(table.columns).map((column) => {
		const place = table.key.indexOf(column);
		return [column, (place >= 0 ? insert.key[place] : ownValue(insert.set, column)) ?? null];
	});
	return Object.fromEntries(row);
}
function updated(row, update, table) {
	const changed = /* @__PURE__ */ new Map();
	const current = (column) => (changed.has(column) ? changed.get(column) : ownValue(row, column)) ?? null;
	const each = (columns, next) => {
		for (const [column, by] of Object.entries(columns ?? {})) if (Object.hasOwn(table.columns, column)) changed.set(column, next(column, by));
	};
	each(update.set, (_column, value) => value);
	each(update.inc, (column, by) => sum(current(column), by, table.columns[column]?.type));
	each(update.add, (column, values) => withAdded(current(column), values));
	each(update.remove, (column, values) => withRemoved(current(column), values));
	return {
		...row,
		...Object.fromEntries(changed)
	};
}
/** A sum that has no value of the type leaves the column as it is; the server answers for it. */
function sum(current, by, type) {
	if (type === "int64") {
		const a = wireToBigint(current ?? 0);
		const b = wireToBigint(by);
		return a === null || b === null ? current : bigintToWire(a + b) ?? current;
	}
	if (type !== "float64") return current;
	const a = wireToFloat(current ?? 0);
	const b = wireToFloat(by);
	return a === null || b === null ? current : floatToWire(a + b) ?? current;
}
function wireToFloat(value) {
	if (typeof value === "number") return value;
	if (value === "Infinity") return Number.POSITIVE_INFINITY;
	return value === "-Infinity" ? Number.NEGATIVE_INFINITY : null;
}
function floatToWire(value) {
	if (Number.isNaN(value)) return null;
	if (Number.isFinite(value)) return value === 0 ? 0 : value;
	return value > 0 ? "Infinity" : "-Infinity";
}
function withAdded(current, values) {
	const list = current ?? [];
	if (!isArray(list)) return current;
	const held = new Set(list.map(canonical));
	const added = values.filter((value) => {
		const text = canonical(value);
		if (held.has(text)) return false;
		held.add(text);
		return true;
	});
	return [...list, ...added];
}
function withRemoved(current, values) {
	const list = current ?? [];
	if (!isArray(list)) return current;
	return list.filter((item) => !values.some((value) => equalJson(item, value)));
}
function ownValue(row, column) {
	return Object.hasOwn(row, column) ? row[column] : void 0;
}
/** One mutation in the making. Each operation sees the rows as those before it left them. */
var Draft = class {
	#replica;
	#newId;
	#newTemporary;
	#ops = [];
	#rows = /* @__PURE__ */ new Map();
	/** `newTemporary` gives a negative id that this device never gave before (C19). */
	constructor(replica, newId, newTemporary) {
		this.#replica = replica;
		this.#newId = newId;
		this.#newTemporary = newTemporary;
	}
	/** Refuses what the server would refuse for its size. */
	operations() {
		if (this.#ops.length === 0) throw new SwainError("empty_mutation", "There is no operation in the mutation.");
		if (this.#ops.length > 500) throw new SwainError("limit_mutation_ops", `A mutation has at most 500 operations.`);
		if (byteLength(JSON.stringify(this.#ops)) > 1047552) throw new SwainError("limit_push_bytes", "The mutation is larger than 1 MiB.");
		return this.#ops;
	}
	row(table, given) {
		const text = keyText(this.#replica.resolve(table, given));
		const drafted = this.#rows.get(rowName$1(table, text));
		return drafted === void 0 ? this.#replica.row(table, text) ?? null : drafted;
	}
	/** Returns the key. */
	insert(table, values) {
		const schema = this.#schema(table);
		const proposed = schema.key.map((column) => this.#keyValue(schema, table, column, values[column]));
		const set = wireValues(schema, table, withoutKey(schema, values));
		const operation = this.#named({ insert: {
			table,
			key: proposed,
			set
		} });
		const { key } = targetOf(operation);
		if (this.row(table, key) !== null) throw new SwainError("id_taken", `${table} has this key already.`, key);
		this.#add(operation, schema);
		return key;
	}
	/** M11: by the columns `on`, which are a unique key of the table. Returns the key of the row, as far as it is known. */
	upsert(table, on, values) {
		const schema = this.#schema(table);
		checkUnique(schema, table, on);
		const set = wireValues(schema, table, withoutKey(schema, values));
		const given = schema.key.map((column) => this.#wireKey(schema, table, column, values[column]));
		const { upsert } = this.#named({ upsert: {
			table,
			key: given,
			on,
			set
		} });
		const key = this.#holder(schema, upsert) ?? upsert.key.map((value, i) => value ?? this.#newKey(schema, table, schema.key[i] ?? ""));
		const row = this.row(table, key);
		const was = row === null ? {} : { was: this.#was(table, key, row, Object.keys(upsert.set)) };
		this.#add({ upsert: {
			...upsert,
			key,
			...was
		} }, schema);
		return key;
	}
	update(table, given, changes) {
		const schema = this.#schema(table);
		const key = this.#replica.resolve(table, given);
		const row = this.row(table, key);
		if (row === null) throw new SwainError("row_gone", `${table} has no row with this key.`, key);
		const set = changes.set && wireValues(schema, table, changes.set);
		const update = definedOnly({
			set: set && this.#namedSet(table, key, set),
			inc: changes.inc && wireValues(schema, table, changes.inc),
			add: changes.add && wireLists(schema, table, changes.add),
			remove: changes.remove && wireLists(schema, table, changes.remove)
		});
		if (Object.keys(update).length === 0) throw new SwainError("empty_mutation", "There is nothing to change.");
		checkOnce(update, table);
		const was = update.set === void 0 ? {} : { was: this.#was(table, key, row, Object.keys(update.set)) };
		this.#add({ update: {
			table,
			key,
			...update,
			...was
		} }, schema);
	}
	delete(table, given) {
		const schema = this.#schema(table);
		const key = this.#replica.resolve(table, given);
		const row = this.row(table, key);
		const seen = row === null ? {} : { seen: hashJson(row) };
		this.#add({ delete: {
			table,
			key,
			...seen
		} }, schema);
	}
	/** C15: the same wish again, based on what the person sees now. */
	again(operation) {
		const { table, key } = targetOf(operation);
		if ("delete" in operation) this.delete(table, key);
		else if ("insert" in operation) this.insert(table, withKeyColumns(operation.insert, this.#schema(table)));
		else if ("upsert" in operation) this.upsert(table, operation.upsert.on, withKeyColumns(operation.upsert, this.#schema(table)));
		else this.update(table, key, operation.update);
	}
	#schema(table) {
		return tableOf(this.#replica.meta.schema, table);
	}
	#add(operation, schema) {
		const { table, key } = targetOf(operation);
		this.#rows.set(rowName$1(table, keyText(key)), applyOperation(this.row(table, key), operation, schema));
		this.#ops.push(operation);
	}
	#keyValue(schema, table, name, value) {
		return this.#wireKey(schema, table, name, value) ?? this.#newKey(schema, table, name);
	}
	#wireKey(schema, table, name, value) {
		const place = `${table}.${name}`;
		const column = columnOf(schema, name, place);
		return value === void 0 || value === null ? null : toWire(value, column, place);
	}
	#newKey(schema, table, name) {
		const place = `${table}.${name}`;
		const { type } = columnOf(schema, name, place);
		if (schema.ids === "server") return this.#newTemporary();
		if (type === "text" || type === "uuid") return this.#newId();
		throw new SwainError("key_missing", `${place} is part of the key and must be given.`, { at: place });
	}
	/** C19: rows are named as far as they are known. */
	#named(operation) {
		const [named = operation] = this.#replica.aliases.operations(this.#replica.meta.schema, [operation]);
		return named;
	}
	#namedSet(table, key, set) {
		const named = this.#named({ update: {
			table,
			key,
			set
		} });
		return "update" in named ? named.update.set ?? set : set;
	}
	/** C20: the key of the row that the person sees with these values. */
	#holder(schema, { table, key, on, set }) {
		const wanted = on.map((column) => {
			const at = schema.key.indexOf(column);
			return [column, (at >= 0 ? key[at] : set[column]) ?? null];
		});
		if (wanted.some(([, value]) => value === null)) return null;
		const holds = (row) => wanted.every(([column, value]) => equalJson(row[column] ?? null, value));
		for (const [name, row] of this.#rows) if (name.startsWith(`${table}\u0000`) && row !== null && holds(row)) return keyOf(row, schema);
		for (const visible of this.#replica.candidates(table, Object.fromEntries(wanted))) if (holds(visible.row) && !this.#rows.has(rowName$1(table, visible.keyText))) return visible.key;
		return null;
	}
	/** M3. */
	#was(table, key, row, columns) {
		const text = keyText(key);
		const writers = this.#rows.has(rowName$1(table, text)) ? /* @__PURE__ */ new Map() : this.#replica.writers(table, text);
		const seen = columns.map((column) => {
			const value = row[column] ?? null;
			const writer = writers.get(column) ?? writers.get("*");
			if (writer === void 0) return [column, this.#schema(table).columns[column]?.whole === true ? { value } : plainWas(value)];
			return [column, writer.n === null ? {
				afterUid: writer.uid,
				value
			} : {
				after: writer.n,
				value
			}];
		});
		return Object.fromEntries(seen);
	}
};
/** The key of a row in wire form, from what the application gives: one value, or an array of them. */
function toKey(table, name, given) {
	const values = Array.isArray(given) ? given : [given];
	if (values.length !== table.key.length) throw new SwainError("wrong_type", `The key of ${name} has ${table.key.length} values.`);
	return table.key.map((column, i) => {
		const place = `${name}.${column}`;
		return toWire(values[i], columnOf(table, column, place), place);
	});
}
function plainWas(value) {
	const text = canonical(value);
	return byteLength(text) > 256 ? { hash: hash(text) } : { value };
}
function wireValues(schema, table, values) {
	const wire = Object.entries(values).map(([name, value]) => {
		const place = `${table}.${name}`;
		return [name, toWire(value, writableColumn(schema, name, place), place)];
	});
	return Object.fromEntries(wire);
}
function wireLists(schema, table, lists) {
	const wire = Object.entries(lists).map(([name, values]) => {
		const place = `${table}.${name}`;
		writableColumn(schema, name, place);
		const list = toJson(values, place);
		if (!isArray(list)) throw new SwainError("wrong_type", `${place} takes an array.`, { at: place });
		return [name, list];
	});
	return Object.fromEntries(wire);
}
/** M9. */
function writableColumn(schema, name, place) {
	const column = columnOf(schema, name, place);
	if (column.readonly === true || schema.key.includes(name)) throw new SwainError("column_readonly", `${place} cannot be set by a device.`, { at: place });
	return column;
}
/** M1: a column is named by at most one of set, inc, add/remove. */
function checkOnce(update, table) {
	const lists = /* @__PURE__ */ new Set([...Object.keys(update.add ?? {}), ...Object.keys(update.remove ?? {})]);
	const seen = /* @__PURE__ */ new Set();
	for (const column of [
		...Object.keys(update.set ?? {}),
		...Object.keys(update.inc ?? {}),
		...lists
	]) {
		if (seen.has(column)) throw new SwainError("column_twice", `${table}.${column} is changed in two ways.`);
		seen.add(column);
	}
}
function withKeyColumns({ key, set }, schema) {
	const columns = schema.key.map((column, i) => [column, key[i] ?? null]);
	return {
		...set,
		...Object.fromEntries(columns)
	};
}
function withoutKey(schema, values) {
	const others = Object.entries(values).filter(([column, value]) => !schema.key.includes(column) && value !== void 0);
	return Object.fromEntries(others);
}
/** M11. */
function checkUnique(schema, table, on) {
	const same = (unique) => unique.length === on.length && unique.every((column) => on.includes(column));
	if (![schema.key, ...schema.unique ?? []].some(same)) throw new SwainError("not_unique", `(${on.join(", ")}) is no unique key of ${table}.`, [...on]);
}
function definedOnly(values) {
	const defined = Object.entries(values).filter(([, value]) => isObject(value) && Object.keys(value).length > 0);
	return Object.fromEntries(defined);
}
function rowName$1(table, key) {
	return `${table}\u0000${key}`;
}
// src/engine/pace.ts
/** A page that is hidden for shorter goes on: people switch between tabs. */
var HIDDEN_MS = 3e4;
var Pace = class {
	restsHidden;
	#options;
	constructor(options = {}) {
		this.#options = options;
		this.restsHidden = options.whileHidden === "resting";
	}
	/** One connection serves all shapes, so the most impatient table decides. */
	freshnessMs(shapes) {
		return least(this.#options.freshnessMs, shapes.map(({ table }) => table));
	}
	/** Edits go in order, so one that may not wait takes those before it along. */
	throttleMs(mutations) {
		const { throttleMs } = this.#options;
		if (throttleMs === void 0) return 0;
		let wait = Number.POSITIVE_INFINITY;
		for (const { ops } of mutations) {
			const tables = ops.map((operation) => targetOf(operation).table);
			wait = Math.min(wait, least(throttleMs, tables));
		}
		return wait === Number.POSITIVE_INFINITY ? 0 : wait;
	}
};
function least(ms = 0, tables) {
	if (typeof ms === "number") return ms;
	return tables.length === 0 ? 0 : Math.min(...tables.map((table) => ms[table] ?? 0));
}
// src/engine/alias.ts
/** C19: what this device remembers; beyond it the oldest go. */
var ALIASES_MAX = 1e4;
/** How often an alias may stand for a key that is itself an alias. */
var STEPS_MAX = 8;
/** What keys stand for. Entries of the outbox are never rewritten, because they may have to be sent again. */
var Aliases = class {
	#rows = /* @__PURE__ */ new Map();
	constructor(aliases = []) {
		for (const alias of aliases) this.put(alias);
	}
	/** Learns an alias, or forgets one that is void. */
	put(alias) {
		const name = placeName(alias.table, alias.from);
		if (isVoid(alias)) this.#rows.delete(name);
		else this.#rows.set(name, alias);
	}
	knows(alias) {
		const known = this.#rows.get(placeName(alias.table, alias.from));
		return known === void 0 ? isVoid(alias) : keyText(known.to) === keyText(alias.to);
	}
	all() {
		return [...this.#rows.values()];
	}
	/** Those that are too many, the oldest first. */
	surplus() {
		const count = this.#rows.size - ALIASES_MAX;
		return count <= 0 ? [] : [...this.all()].sort((a, b) => a.n - b.n).slice(0, count);
	}
	/** The key that a key stands for now; null: itself. */
	target({ table, key }) {
		let target = null;
		for (let steps = 0; steps <= STEPS_MAX; steps += 1) {
			const next = this.#rows.get(placeName(table, target ?? key));
			if (next === void 0) break;
			target = next.to;
		}
		return target;
	}
	/** The key of the row that a person means, whichever they know. */
	key(schema, table, key) {
		const known = schema?.tables[table];
		if (known === void 0 || this.#rows.size === 0) return key;
		return replacedKey(known, {
			table,
			key
		}, (place) => this.target(place));
	}
	operations(schema, ops) {
		if (this.#rows.size === 0) return ops;
		return replaceAll(schema, ops, (place) => this.target(place));
	}
};
/** C19: a restored server has lost what these mutations made, so their temporary keys are temporary again. */
function lostAbove(schema, aliases, last) {
	const lost = aliases.filter((alias) => alias.n > last);
	const back = new Aliases(lost.filter(({ table, from }) => isTemporary(schema?.tables[table], from)).map(({ n, table, from, to }) => ({
		n,
		table,
		from: to,
		to: from
	})));
	return {
		lost,
		back: (ops) => back.operations(schema, ops)
	};
}
/** M10: a key that was made up until the database gives one. */
function isTemporary(table, key) {
	const [only, ...others] = key;
	if (table?.ids !== "server" || others.length > 0) return false;
	return typeof only === "number" ? only < 0 : typeof only === "string" && only.startsWith("-");
}
function placeName(table, key) {
	return `${table}\u0000${keyText(key)}`;
}
function voided({ n, table, from }) {
	return {
		n,
		table,
		from,
		to: from
	};
}
function isVoid({ from, to }) {
	return keyText(from) === keyText(to);
}
/** The rows that operations name: their own, and those of their references, also in what values were. */
function placesOf(schema, ops) {
	return ops.flatMap((operation) => {
		const { table, key } = targetOf(operation);
		const named = (schema?.tables[table]?.references ?? []).flatMap((reference) => [namedBy(reference, (column) => valueIn(schema?.tables[table], operation, column)), namedBy(reference, (column) => valueBefore(operation, column))]);
		return [{
			table,
			key
		}, ...named.filter((place) => place !== null)];
	});
}
function replaceAll(schema, ops, target) {
	const replaced = ops.map((operation) => {
		const table = schema?.tables[targetOf(operation).table];
		return table === void 0 ? operation : replacedIn(table, operation, target);
	});
	return replaced.every((operation, i) => operation === ops[i]) ? ops : replaced;
}
/** References first, then the operation's own key, as on the server. */
function replacedIn(table, operation, target) {
	let next = operation;
	for (const reference of table.references ?? []) {
		const now = namedBy(reference, (column) => valueIn(table, next, column));
		const before = namedBy(reference, (column) => valueBefore(next, column));
		const to = now === null ? null : target(now);
		if (to !== null) next = withReference(table, next, reference, to);
		const was = before === null ? null : target(before);
		if (was !== null) next = withReferenceBefore(next, reference, was);
	}
	const key = target(targetOf(next));
	return key === null ? next : withKey(next, key);
}
function replacedKey(table, place, target) {
	let { key } = place;
	for (const reference of table.references ?? []) {
		const at = reference.columns.map((column) => table.key.indexOf(column));
		if (at.includes(-1)) continue;
		const to = target({
			table: reference.table,
			key: at.map((i) => key[i] ?? null)
		});
		if (to !== null) key = key.map((value, i) => to[at.indexOf(i)] ?? value);
	}
	return target({
		table: place.table,
		key
	}) ?? key;
}
function namedBy(reference, value) {
	const key = reference.columns.map(value);
	if (key.some((part) => part === void 0 || part === null)) return null;
	return {
		table: reference.table,
		key
	};
}
function valueIn(table, operation, column) {
	const at = table?.key.indexOf(column) ?? -1;
	const body = targetOf(operation);
	if (at >= 0) return body.key[at];
	return "set" in body && body.set !== void 0 && Object.hasOwn(body.set, column) ? body.set[column] : void 0;
}
function valueBefore(operation, column) {
	const body = targetOf(operation);
	const was = "was" in body && body.was !== void 0 && Object.hasOwn(body.was, column) ? body.was[column] : void 0;
	return was !== void 0 && "value" in was ? was.value : void 0;
}
function withReference(table, operation, reference, to) {
	const body = targetOf(operation);
	const values = new Map(reference.columns.map((column, i) => [column, to[i] ?? null]));
	const key = table.key.map((column, i) => values.get(column) ?? body.key[i] ?? null);
	const set = "set" in body && body.set !== void 0 ? Object.fromEntries(Object.entries(body.set ?? {}).map(([column, old]) => [column, values.get(column) ?? old])) : void 0;
	return withBody(operation, {
		...body,
		key,
		...set === void 0 ? {} : { set }
	});
}
function withReferenceBefore(operation, reference, to) {
	const body = targetOf(operation);
	if (!("was" in body) || body.was === void 0) return operation;
	const was = Object.entries(body.was).map(([column, seen]) => {
		const at = reference.columns.indexOf(column);
		if (at < 0 || !("value" in seen) || equalJson(seen.value, to[at] ?? null)) return [column, seen];
		return [column, {
			...seen,
			value: to[at] ?? null
		}];
	});
	return withBody(operation, {
		...body,
		was: Object.fromEntries(was)
	});
}
/** The same operation on the row of another key. */
function withKey(operation, key) {
	return withBody(operation, {
		...targetOf(operation),
		key
	});
}
function withBody(operation, body) {
	const [kind = ""] = Object.keys(operation);
	return { [kind]: body };
}
// src/engine/held-rows.ts
/** Rows by table and key text, each with the shapes that hold it: the confirmed rows (C5) or staging (C6). */
var HeldRows = class {
	#tables = /* @__PURE__ */ new Map();
	constructor(rows = []) {
		for (const held of rows) this.put(held);
	}
	row(table, keyText) {
		return this.#tables.get(table)?.get(keyText);
	}
	*all() {
		for (const rows of this.#tables.values()) yield* rows.values();
	}
	get size() {
		let size = 0;
		for (const rows of this.#tables.values()) size += rows.size;
		return size;
	}
	put(held) {
		const rows = this.#tables.get(held.table);
		if (rows === void 0) this.#tables.set(held.table, /* @__PURE__ */ new Map([[held.keyText, held]]));
		else rows.set(held.keyText, held);
	}
	remove(table, keyText) {
		this.#tables.get(table)?.delete(keyText);
	}
	write(write) {
		switch (write.kind) {
			case "put": return this.put(write.held);
			case "remove": return this.remove(write.table, write.keyText);
			default: return write;
		}
	}
	clear() {
		this.#tables.clear();
	}
};
/** Held rows with writes on top that nobody else sees yet: how a frame is worked out before it is applied. */
var RowDraft = class {
	#base;
	#writes = /* @__PURE__ */ new Map();
	constructor(base) {
		this.#base = base;
	}
	row(table, keyText) {
		const write = this.#writes.get(name(table, keyText));
		if (write === void 0) return this.#base.row(table, keyText);
		return write.kind === "put" ? write.held : void 0;
	}
	/** C5: a row that no shape holds is gone. */
	put(held) {
		if (held.in.length === 0) return this.remove(held.table, held.keyText);
		this.#writes.set(name(held.table, held.keyText), {
			kind: "put",
			held
		});
	}
	remove(table, keyText) {
		this.#writes.set(name(table, keyText), {
			kind: "remove",
			table,
			keyText
		});
	}
	writes() {
		return [...this.#writes.values()];
	}
};
/** A key text holds no raw U+0000. */
function name(table, keyText) {
	return `${table}\u0000${keyText}`;
}
// src/engine/index-rows.ts
/** Rows of one table by the value of one column. */
var ColumnIndex = class {
	column;
	#rows = /* @__PURE__ */ new Map();
	constructor(column) {
		this.column = column;
	}
	put(visible) {
		const value = this.#value(visible.row);
		const rows = this.#rows.get(value);
		if (rows === void 0) this.#rows.set(value, /* @__PURE__ */ new Map([[visible.keyText, visible]]));
		else rows.set(visible.keyText, visible);
	}
	remove({ row, keyText }) {
		const value = this.#value(row);
		const rows = this.#rows.get(value);
		rows?.delete(keyText);
		if (rows?.size === 0) this.#rows.delete(value);
	}
	rows(value) {
		return this.#rows.get(canonical(value))?.values() ?? [];
	}
	#value(row) {
		return canonical(row[this.column] ?? null);
	}
};
/** The visible rows of a table, by key and by the declared indexes. */
var VisibleRows = class {
	#rows = /* @__PURE__ */ new Map();
	#indexes;
	constructor(columns = []) {
		this.#indexes = columns.map((column) => new ColumnIndex(column));
	}
	get(keyText) {
		return this.#rows.get(keyText);
	}
	all() {
		return this.#rows.values();
	}
	put(visible) {
		this.remove(visible.keyText);
		this.#rows.set(visible.keyText, visible);
		for (const index of this.#indexes) index.put(visible);
	}
	remove(keyText) {
		const visible = this.#rows.get(keyText);
		if (visible === void 0) return;
		this.#rows.delete(keyText);
		for (const index of this.#indexes) index.remove(visible);
	}
	/** At least all rows that have these values; as few as an index gives. */
	candidates(equal) {
		const index = this.#indexes.find(({ column }) => Object.hasOwn(equal, column));
		return index === void 0 ? this.all() : index.rows(equal[index.column] ?? null);
	}
};
// src/engine/entry.ts
/** P2: the wire form. */
function entryToWire(entry) {
	const { n, base, at, schema, ops } = entry;
	return {
		n,
		base,
		at,
		schema,
		ops
	};
}
function isSaved(entry) {
	return entry.n !== null;
}
function withResult(entry, result) {
	switch (entry.state.kind) {
		case "pending": return {
			...entry,
			state: {
				kind: "pending",
				result
			}
		};
		case "acked": return {
			...entry,
			state: settled$1(result, entry.state.at)
		};
		case "refused": return entry;
		default: return entry.state;
	}
}
function acknowledged(entry, now) {
	if (entry.state.kind !== "pending") return entry;
	return {
		...entry,
		state: settled$1(entry.state.result, now)
	};
}
/** M3: gives `after` the number of the mutation it names; one that is no longer on its way is a plain value. */
function resolveAfter(ops, numberOf) {
	const resolve = (all) => {
		const was = Object.entries(all).map(([column, seen]) => {
			if (!("afterUid" in seen) && !("after" in seen)) return [column, seen];
			const after = numberOf(seen);
			return [column, after === null ? { value: seen.value } : {
				after,
				value: seen.value
			}];
		});
		return Object.fromEntries(was);
	};
	return ops.map((operation) => {
		const was = wasOf(operation);
		if (was === void 0) return operation;
		if ("upsert" in operation) return { upsert: {
			...operation.upsert,
			was: resolve(was)
		} };
		return "update" in operation ? { update: {
			...operation.update,
			was: resolve(was)
		} } : operation;
	});
}
/** M3: what the values of an operation were based on. */
function wasOf(operation) {
	if ("upsert" in operation) return operation.upsert.was;
	return "update" in operation ? operation.update.was : void 0;
}
function settled$1(result, at) {
	if (result?.status === "refused") return {
		kind: "refused",
		result,
		at
	};
	return {
		kind: "acked",
		result,
		at
	};
}
var KEPT_MAX = 1e3;
/** The mutations of this device in memory: saved ones by n, then those whose strict write is still running. */
var Outbox = class {
	#saved = /* @__PURE__ */ new Map();
	#unsaved = /* @__PURE__ */ new Map();
	/** Pending entries by row, in order of n. */
	#byRow = /* @__PURE__ */ new Map();
	#refused = /* @__PURE__ */ new Map();
	/** The saved ones in order of n; null when it has to be made again. */
	#sorted = [];
	/** The rows under which a pending entry is found. */
	#indexed = /* @__PURE__ */ new Map();
	#view;
	#pending = 0;
	/** `view`: how operations are looked at (C19); when it changes for an entry, `reindex` follows. */
	constructor(view = (ops) => ops) {
		this.#view = view;
	}
	/** The operations as they are looked at. */
	ops(entry) {
		return this.#view(entry.ops);
	}
	pending() {
		return [...this.#indexed.keys()];
	}
	reindex(entry) {
		if (!this.#indexed.has(entry)) return;
		this.#unindex(entry);
		this.#index(entry);
	}
	/** Replaces what had the same uid or the same n. */
	put(entry) {
		const unsaved = this.#unsaved.get(entry.uid);
		if (unsaved !== void 0) this.#drop(unsaved);
		if (isSaved(entry)) {
			this.remove(entry.n);
			this.#saved.set(entry.n, entry);
			if (entry.state.kind === "refused") this.#refused.set(entry.n, entry);
			this.#append(entry);
		} else this.#unsaved.set(entry.uid, entry);
		if (entry.state.kind === "pending") this.#index(entry);
	}
	remove(n) {
		const entry = this.#saved.get(n);
		if (entry !== void 0) this.#drop(entry);
	}
	removeUnsaved(uid) {
		const entry = this.#unsaved.get(uid);
		if (entry !== void 0) this.#drop(entry);
	}
	/** Forgets what storage knows; what is being saved stays. */
	clearSaved() {
		for (const entry of [...this.#saved.values()]) this.#drop(entry);
	}
	entry(n) {
		return this.#saved.get(n);
	}
	knows(uid) {
		return this.#unsaved.has(uid) || this.saved().some((entry) => entry.uid === uid);
	}
	unsaved() {
		return [...this.#unsaved.values()];
	}
	/** Saved entries in order of n. */
	saved() {
		this.#sorted ??= [...this.#saved.values()].sort((a, b) => a.n - b.n);
		return this.#sorted;
	}
	get pendingCount() {
		return this.#pending;
	}
	refused() {
		return [...this.#refused.values()].sort((a, b) => a.n - b.n);
	}
	/** The pending mutations that touch a row, in the order of the overlay (C1). */
	pendingOn(table, key) {
		return this.#byRow.get(rowName(table, key)) ?? [];
	}
	/** C16: the numbers of acknowledged entries that need not be kept any longer. */
	expired(now) {
		const acked = this.saved().filter((entry) => entry.state.kind === "acked");
		const surplus = acked.length - KEPT_MAX;
		return acked.filter((entry, i) => i < surplus || entry.state.kind === "acked" && entry.state.at <= now - 864e5).map((entry) => entry.n);
	}
	/** Thousands of offline edits come in order; sorting for each of them would be felt. */
	#append(entry) {
		const last = this.#sorted?.at(-1);
		if (this.#sorted !== null && (last === void 0 || last.n < entry.n)) this.#sorted = [...this.#sorted, entry];
		else this.#sorted = null;
	}
	#index(entry) {
		this.#pending += 1;
		const names = rowsOf(this.ops(entry));
		this.#indexed.set(entry, names);
		for (const row of names) {
			const entries = this.#byRow.get(row) ?? [];
			entries.push(entry);
			entries.sort((a, b) => (a.n ?? Number.POSITIVE_INFINITY) - (b.n ?? Number.POSITIVE_INFINITY) || 0);
			this.#byRow.set(row, entries);
		}
	}
	#drop(entry) {
		if (isSaved(entry)) {
			this.#saved.delete(entry.n);
			this.#refused.delete(entry.n);
			this.#sorted = null;
		} else this.#unsaved.delete(entry.uid);
		this.#unindex(entry);
	}
	#unindex(entry) {
		const names = this.#indexed.get(entry);
		if (names === void 0) return;
		this.#pending -= 1;
		this.#indexed.delete(entry);
		for (const row of names) {
			const left = (this.#byRow.get(row) ?? []).filter((other) => other !== entry);
			if (left.length === 0) this.#byRow.delete(row);
			else this.#byRow.set(row, left);
		}
	}
};
function rowsOf(ops) {
	return new Set(ops.map((operation) => {
		const { table, key } = targetOf(operation);
		return rowName(table, keyText(key));
	}));
}
function rowName(table, key) {
	return `${table}\u0000${key}`;
}
// src/engine/replica.ts
/**
* The memory copy of one tab. C1: visible = confirmed + overlay, after every method.
* Each method that changes something returns what changed in the visible rows.
*/
var Replica = class {
	outbox;
	staging = new HeldRows();
	confirmed = new HeldRows();
	#indexes;
	#visible = /* @__PURE__ */ new Map();
	#shapes;
	#meta;
	#orphans = [];
	#aliases = new Aliases();
	/** Operations as they are looked at, until an alias comes. */
	#seen = /* @__PURE__ */ new WeakMap();
	constructor(stored, shapes, indexes = {}) {
		this.#shapes = new Set(shapes);
		this.#indexes = indexes;
		this.#meta = stored.meta;
		this.outbox = new Outbox((ops) => this.#look(ops));
		this.rehydrate(stored);
	}
	get meta() {
		return this.#meta;
	}
	/** C19: what keys stand for that this device proposed. */
	get aliases() {
		return this.#aliases;
	}
	/** The key of the row that a key means now. */
	resolve(table, key) {
		return this.#aliases.key(this.#meta.schema, table, key);
	}
	/** Rows in storage that only shapes hold that the application no longer asks for. They go with the next cursor. */
	get orphans() {
		return this.#orphans;
	}
	/** What the application asks for from now on; `rehydrate` follows. */
	setShapes(shapes) {
		this.#shapes = new Set(shapes);
	}
	/** Takes everything from storage again; mutations whose strict write is still running stay. */
	rehydrate(stored) {
		const touched = /* @__PURE__ */ new Map();
		for (const [table, rows] of this.#visible) for (const { key, keyText } of rows.all()) touch(touched, table, keyText, key);
		this.#meta = stored.meta;
		this.confirmed.clear();
		this.staging.clear();
		const younger = this.#savedAfter(stored);
		this.outbox.clearSaved();
		this.#aliases = new Aliases(stored.aliases);
		this.#seen = /* @__PURE__ */ new WeakMap();
		for (const entry of this.outbox.unsaved()) this.outbox.reindex(entry);
		const held = stored.rows.map((row) => ({
			...row,
			in: row.in.filter((id) => this.#shapes.has(id))
		}));
		this.#orphans = held.filter((row) => row.in.length === 0);
		for (const row of held) {
			if (row.in.length === 0) continue;
			this.confirmed.put(row);
			touch(touched, row.table, row.keyText, row.key);
		}
		for (const row of stored.staging) this.staging.put(row);
		for (const entry of [...stored.outbox, ...younger]) this.#putEntry(touched, entry);
		for (const entry of this.outbox.unsaved()) this.#touchEntry(touched, entry);
		return this.#change(this.#refresh(touched), "server");
	}
	/** C3, C4: one step, whatever the batch holds. `number` is that of the write in storage. */
	apply(batch) {
		const touched = /* @__PURE__ */ new Map();
		const news = batch.aliases ?? [];
		this.#learn(touched, news);
		for (const write of batch.rows ?? []) {
			const { table, keyText } = write.kind === "put" ? write.held : write;
			const key = write.kind === "put" ? write.held.key : this.confirmed.row(table, keyText)?.key;
			if (key !== void 0) touch(touched, table, keyText, key);
			this.confirmed.write(write);
		}
		for (const entry of batch.entries ?? []) this.#putEntry(touched, entry);
		for (const n of batch.gone ?? []) this.#removeEntry(touched, n);
		if (batch.staging?.clear === true) this.staging.clear();
		for (const held of batch.staging?.puts ?? []) this.staging.put(held);
		if (batch.mark !== void 0) this.#orphans = [];
		const rows = batch.schema === void 0 ? touched : this.#touchPending(touched);
		this.#meta = metaAfter(this.#meta, batch);
		if (batch.schema !== void 0) this.#lookAgain();
		return this.#change(this.#refresh(rows), "server", news);
	}
	/** C2: visible at once. Also gives an unsaved mutation its n, and hears of other tabs' mutations. */
	putEntry(entry) {
		const touched = /* @__PURE__ */ new Map();
		this.#putEntry(touched, entry);
		return this.#change(this.#refresh(touched), "local");
	}
	removeEntry(n) {
		const touched = /* @__PURE__ */ new Map();
		this.#removeEntry(touched, n);
		return this.#change(this.#refresh(touched), "local");
	}
	/** The strict write failed. */
	removeUnsaved(uid) {
		const touched = /* @__PURE__ */ new Map();
		for (const entry of this.outbox.unsaved()) if (entry.uid === uid) this.#touchEntry(touched, entry);
		this.outbox.removeUnsaved(uid);
		return this.#change(this.#refresh(touched), "local");
	}
	/**
	* Takes mutations from storage that this tab did not hear of. A leader does not read the rest again:
	* what it has in memory may be ahead of storage.
	*/
	mergeOutbox(stored) {
		const touched = /* @__PURE__ */ new Map();
		if (stored.meta.device === this.#meta.device) for (const entry of stored.outbox) {
			const { n, state } = entry;
			if (n === null || n <= this.#meta.acked || state.kind !== "pending") continue;
			if (this.outbox.entry(n) === void 0) this.#putEntry(touched, entry);
		}
		return this.#change(this.#refresh(touched), "local");
	}
	/** Remembers the number of the leader's write, so that a missing one is noticed. */
	noteNumber(number) {
		this.#meta = {
			...this.#meta,
			number
		};
	}
	row(table, key) {
		return this.visible(table, key)?.row;
	}
	visible(table, key) {
		return this.#visible.get(table)?.get(key);
	}
	rows(table) {
		return this.#visible.get(table)?.all() ?? [];
	}
	/** At least all rows that have these values. */
	candidates(table, equal) {
		return this.#visible.get(table)?.candidates(equal) ?? [];
	}
	/** M3: which pending mutation the visible value of each column came from; "*" stands for the other columns. */
	writers(table, key) {
		const writers = /* @__PURE__ */ new Map();
		for (const entry of this.outbox.pendingOn(table, key)) for (const operation of this.outbox.ops(entry)) {
			const target = targetOf(operation);
			if (target.table !== table || keyText(target.key) !== key) continue;
			const columns = columnsWritten(operation);
			if (columns === null) writers.clear();
			for (const column of columns ?? ["*"]) writers.set(column, entry);
		}
		return writers;
	}
	rowState(table, key) {
		if (this.outbox.pendingOn(table, key).length > 0) return "pending";
		const isTarget = (entry) => this.outbox.ops(entry).map(targetOf).some((target) => target.table === table && keyText(target.key) === key);
		return this.outbox.refused().some(isTarget) ? "refused" : "synced";
	}
	/** Mutations whose strict write ended after storage was read. */
	#savedAfter(stored) {
		const known = new Set(stored.outbox.map((entry) => entry.uid));
		return this.outbox.saved().filter(({ n, state, uid }) => state.kind === "pending" && n > stored.meta.lastN && !known.has(uid));
	}
	#putEntry(touched, entry) {
		const old = entry.n === null ? void 0 : this.outbox.entry(entry.n);
		if (old !== void 0) this.#touchEntry(touched, old);
		this.#touchEntry(touched, entry);
		this.outbox.put(entry);
		if (entry.n !== null && entry.n > this.#meta.lastN) this.#meta = {
			...this.#meta,
			lastN: entry.n
		};
	}
	#removeEntry(touched, n) {
		const entry = this.outbox.entry(n);
		if (entry !== void 0) this.#touchEntry(touched, entry);
		this.outbox.remove(n);
	}
	#touchPending(touched) {
		for (const entry of [...this.outbox.saved(), ...this.outbox.unsaved()]) if (entry.state.kind === "pending") this.#touchEntry(touched, entry);
		return touched;
	}
	/** Works out the visible rows that a step may have changed. An equal row keeps its identity. */
	#refresh(touched) {
		const changed = [];
		for (const [table, keys] of touched) {
			const rows = this.#visible.get(table) ?? new VisibleRows(this.#indexes[table]);
			this.#visible.set(table, rows);
			for (const [text, key] of keys) {
				const before = rows.get(text)?.row ?? null;
				const after = this.#computed(table, text);
				if (before === after || before !== null && after !== null && equalJson(before, after)) continue;
				if (after === null) rows.remove(text);
				else rows.put({
					key,
					keyText: text,
					row: after
				});
				changed.push({
					table,
					key,
					before,
					after
				});
			}
		}
		return changed;
	}
	#computed(table, key) {
		let row = this.confirmed.row(table, key)?.row ?? null;
		const schema = this.#meta.schema?.tables[table];
		if (schema === void 0) return row;
		for (const entry of this.outbox.pendingOn(table, key)) for (const operation of this.outbox.ops(entry)) {
			const target = targetOf(operation);
			if (target.table === table && keyText(target.key) === key) row = applyOperation(row, operation, schema);
		}
		return row;
	}
	/** P25, C19: pending mutations are looked at with the new keys, in this step. */
	#learn(touched, news) {
		if (news.length === 0) return;
		const { schema } = this.#meta;
		const names = new Set(news.map(({ table, from }) => placeName(table, from)));
		const isNamed = ({ table, key }) => names.has(placeName(table, key));
		const affected = this.outbox.pending().filter((entry) => placesOf(schema, [...entry.ops, ...this.outbox.ops(entry)]).some(isNamed));
		for (const entry of affected) this.#touchEntry(touched, entry);
		for (const alias of news) this.#aliases.put(alias);
		this.#seen = /* @__PURE__ */ new WeakMap();
		for (const entry of affected) {
			this.outbox.reindex(entry);
			this.#touchEntry(touched, entry);
		}
	}
	/** The schema says which columns are references. */
	#lookAgain() {
		this.#seen = /* @__PURE__ */ new WeakMap();
		for (const entry of this.outbox.pending()) this.outbox.reindex(entry);
	}
	#look(ops) {
		const known = this.#seen.get(ops);
		if (known !== void 0) return known;
		const seen = this.#aliases.operations(this.#meta.schema, ops);
		this.#seen.set(ops, seen);
		return seen;
	}
	#touchEntry(touched, entry) {
		for (const { table, key } of this.outbox.ops(entry).map(targetOf)) touch(touched, table, keyText(key), key);
	}
	#change(rows, origin, aliases = []) {
		return {
			pos: this.#meta.mark?.pos ?? null,
			rows,
			origin,
			aliases
		};
	}
};
function touch(touched, table, text, key) {
	const keys = touched.get(table);
	if (keys === void 0) touched.set(table, /* @__PURE__ */ new Map([[text, key]]));
	else keys.set(text, key);
}
// src/engine/shape.ts
/** Names a shape on the device, whatever its index on a connection is. */
function shapeId(shape) {
	return hashJson(shapeToJson(shape));
}
function shapeToJson(shape) {
	return shape;
}
// src/engine/uuid.ts
/** RFC 9562 version 7: sortable by time. `random` gives numbers in [0, 1). */
function uuidV7(nowMs, random) {
	const time = Math.trunc(nowMs).toString(16).padStart(12, "0").slice(-12);
	const a = hex(28672 + draw(random, 4096), 4);
	const b = hex(32768 + draw(random, 16384), 4);
	const c = hex(draw(random, 4294967296), 8) + hex(draw(random, 65536), 4);
	return `${time.slice(0, 8)}-${time.slice(8)}-${a}-${b}-${c}`;
}
function draw(random, below) {
	return Math.floor(random() * below);
}
function hex(value, digits) {
	return value.toString(16).padStart(digits, "0");
}
// src/environment.ts
function browserEnvironment() {
	const hasPage = typeof window !== "undefined" && typeof document !== "undefined";
	const locks = typeof navigator === "undefined" ? void 0 : navigator.locks;
	return {
		now: () => Date.now(),
		random: () => Math.random(),
		uuid: randomUuid,
		setTimer: (ms, call) => {
			const id = setTimeout(call, Math.min(ms, TIMER_MAX_MS));
			return () => clearTimeout(id);
		},
		fetch: (url, init) => fetch(url, init),
		socket: (url) => new WebSocket(url),
		eventStream: typeof EventSource === "undefined" ? null : newEventSource,
		hasGunzip: typeof DecompressionStream !== "undefined",
		transportTimes: {},
		hasIndexedDB: typeof indexedDB !== "undefined",
		locks: locks === void 0 ? null : { request: (name, options, held) => locks.request(name, options, held) },
		channel: typeof BroadcastChannel === "undefined" ? null : (name) => new BroadcastChannel(name),
		localStorage: localStorageOrNull(),
		page: hasPage ? browserPage() : null
	};
}
function newEventSource(url) {
	return new EventSource(url, { withCredentials: true });
}
/** Beyond, setTimeout calls at once. */
var TIMER_MAX_MS = 2 ** 31 - 1;
function browserPage() {
	return {
		isVisible: () => document.visibilityState === "visible",
		onWake: (call) => {
			const whenVisible = () => {
				if (document.visibilityState === "visible") call();
			};
			const stops = [
				listen(window, "online", call),
				listen(window, "pageshow", call),
				listen(document, "visibilitychange", whenVisible)
			];
			return () => {
				for (const stop of stops) stop();
			};
		},
		onOnline: (call) => listen(window, "online", call),
		onHidden: (call) => listen(document, "visibilitychange", () => {
			if (document.visibilityState === "hidden") call();
		}),
		onHide: (call) => listen(window, "pagehide", call),
		onRestore: (call) => listen(window, "pageshow", (event) => {
			if (event instanceof PageTransitionEvent && event.persisted) call();
		}),
		onStored: (name, call) => listen(window, "storage", (event) => {
			if (event instanceof StorageEvent && event.key === name) call();
		}),
		offer
	};
}
/** An event and not a global, so that the two scripts need no order and nothing stays behind. */
function offer(client) {
	const say = () => window.dispatchEvent(new CustomEvent("swain:client", { detail: client }));
	say();
	return listen(window, "swain:devtools", say);
}
function listen(target, name, call) {
	target.addEventListener(name, call);
	return () => target.removeEventListener(name, call);
}
/** crypto.randomUUID is missing in insecure contexts. */
function randomUuid() {
	const bytes = crypto.getRandomValues(/* @__PURE__ */ new Uint8Array(16));
	bytes[6] = (bytes[6] ?? 0) & 15 | 64;
	bytes[8] = (bytes[8] ?? 0) & 63 | 128;
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
function localStorageOrNull() {
	try {
		return typeof localStorage === "undefined" ? null : localStorage;
	} catch {
		return null;
	}
}
// src/engine/picker.ts
var PICK_TIMES = {
	shortLifeMs: 3e4,
	returnFirstMs: 6e5,
	returnMaxMs: 36e5,
	returnSoonMs: 3e4
};
/** How long a poll may wait at the server, s; the next one after each poll that was cut while waiting. */
var POLL_WAITS_S = [
	25,
	12,
	6,
	0
];
/**
* C17: which transport the next attempt uses. One attempt is `choose`, then perhaps `handleWelcome`, then `handleEnd`.
*
*   first ──lost before its welcome, cut three times, off──→ next ──…──→ last ──→ first
*     ↑                                                       │
*     └───────────── return time, or online ──────────────────┘
*/
var Picker = class {
	/** In order of preference. */
	#kinds;
	#times;
	#current;
	#cuts = 0;
	#wait = 0;
	/** Lost without a welcome since the last welcome of any. */
	#failed = /* @__PURE__ */ new Set();
	/** Had a welcome, and was not given up since. */
	#worked = /* @__PURE__ */ new Set();
	#offUntil = /* @__PURE__ */ new Map();
	#returnAt = null;
	#returnMs;
	#isReturnSoon = false;
	constructor(kinds, times = PICK_TIMES) {
		this.#kinds = kinds;
		this.#times = times;
		this.#returnMs = times.returnFirstMs;
		this.#current = kinds[0];
	}
	/** When a quiet moment is to be used to come back to a better transport; null: there is none. */
	get returnAt() {
		return this.#returnAt;
	}
	/** How long a poll asks the server to wait, s. */
	get waitSeconds() {
		return POLL_WAITS_S[this.#wait] ?? 0;
	}
	/** Null: the best is in use. */
	get fallback() {
		if (this.#current === this.#kinds[0] || this.#returnAt === null) return null;
		return {
			kind: this.#current,
			until: this.#returnAt
		};
	}
	/** Goes on where an earlier page was, as long as it would have. */
	resume(now, { kind, until }) {
		if (!(until > now && until - now <= this.#times.returnMaxMs) || !this.#kinds.includes(kind) || kind === this.#kinds[0]) return;
		this.#current = kind;
		this.#returnAt = until;
	}
	/** An attempt begins. */
	choose(now) {
		if (this.#returnAt !== null && now >= this.#returnAt) this.#return(now);
		return this.#current;
	}
	handleWelcome(now) {
		const best = this.#best(now);
		const wasAway = this.#failed.has(this.#current) || this.#worked.has(best);
		this.#failed.clear();
		this.#worked.add(this.#current);
		if (this.#current === this.#kinds[0] && this.#wait === 0) this.#returnAt = null;
		else if (this.#returnAt === null) {
			this.#isReturnSoon = wasAway && this.#current !== best;
			this.#returnAt = now + (this.#isReturnSoon ? this.#times.returnSoonMs : this.#returnMs);
		}
	}
	/** `lifeMs`: from the welcome to the last frame; null: there was no welcome. */
	handleEnd(now, ending, lifeMs) {
		if (lifeMs !== null && lifeMs >= this.#times.shortLifeMs) {
			this.#cuts = 0;
			if (this.#current === this.#kinds[0]) this.#returnMs = this.#times.returnFirstMs;
		}
		if (ending === "off") {
			this.#offUntil.set(this.#current, now + this.#returnMs);
			return this.#moveOn(now);
		}
		if (ending !== "lost") return;
		if (lifeMs === null) {
			this.#failed.add(this.#current);
			return this.#moveOn(now);
		}
		if (lifeMs >= this.#times.shortLifeMs) return;
		this.#cuts += 1;
		if (this.#cuts < 3) return;
		this.#worked.delete(this.#current);
		this.#moveOn(now);
	}
	/** A poll was cut while the server had nothing to say: something in between does not wait that long. */
	handleWaitCut(now) {
		this.#wait = Math.min(this.#wait + 1, POLL_WAITS_S.length - 1);
		this.#returnAt ??= now + this.#returnMs;
	}
	/** Perhaps another network: what was learned of the old one does not count. */
	handleOnline(now) {
		this.#returnMs = this.#times.returnFirstMs;
		this.#offUntil.clear();
		if (this.#current === this.#kinds[0] && this.#wait === 0) return;
		this.#isReturnSoon = true;
		this.#returnAt = now;
	}
	#return(now) {
		this.#returnAt = null;
		this.#cuts = 0;
		this.#wait = 0;
		this.#current = this.#best(now);
		this.#worked.delete(this.#current);
		if (!this.#isReturnSoon) this.#returnMs = Math.min(2 * this.#returnMs, this.#times.returnMaxMs);
		this.#isReturnSoon = false;
	}
	/** To the next that is offered; when none is, to the next. */
	#moveOn(now) {
		this.#cuts = 0;
		const from = this.#kinds.indexOf(this.#current) + 1;
		const others = [...this.#kinds.slice(from), ...this.#kinds.slice(0, from)];
		this.#current = others.find((kind) => !this.#isOff(kind, now)) ?? others[0] ?? this.#current;
	}
	#best(now) {
		return this.#kinds.find((kind) => !this.#isOff(kind, now)) ?? this.#kinds[0];
	}
	#isOff(kind, now) {
		const until = this.#offUntil.get(kind);
		return until !== void 0 && now < until;
	}
};
// src/transport/fallback.ts
/** What an earlier page fell back to, for all pages of this origin with this server; null: nothing, or unreadable. */
function rememberedFallback(storage, origin) {
	try {
		const { kind, until } = JSON.parse(storage?.getItem(nameOf(origin)) ?? "null");
		return typeof kind === "string" && typeof until === "number" ? {
			kind,
			until
		} : null;
	} catch {
		return null;
	}
}
function rememberFallback(storage, origin, fallback) {
	try {
		if (fallback === null) storage?.removeItem(nameOf(origin));
		else storage?.setItem(nameOf(origin), JSON.stringify(fallback));
	} catch {}
}
function nameOf(origin) {
	return `swain:transport:${origin}`;
}
// src/transport/transport.ts
/** What RFC 6455 gives for a connection that ended without a close frame. */
var CLOSED_ABNORMALLY = 1006;
/** P15: the server restarts, or wants this device to come back. */
var CLOSED_RESTART = 1012;
/** Every message has one member, its kind; "" when the text is no message. */
function kindOf(text) {
	return /^\s*\{\s*"(\w+)"/.exec(text)?.[1] ?? "";
}
/** Hands events on until the connection is over, by either side. */
var Gate = class {
	#events;
	#isOpen = true;
	constructor(events) {
		this.#events = events;
	}
	get isOpen() {
		return this.#isOpen;
	}
	opened() {
		if (this.#isOpen) this.#events.opened();
	}
	frame(text) {
		if (this.#isOpen) this.#events.frame(text);
	}
	closed(code) {
		if (!this.#isOpen) return;
		this.#isOpen = false;
		this.#events.closed(code);
	}
	/** The device is to come back at once, from where it is. */
	restart(reason) {
		this.frame(JSON.stringify({ goaway: {
			reason,
			retry: 0
		} }));
		this.closed(CLOSED_RESTART);
	}
	leave() {
		this.#isOpen = false;
	}
};
// src/transport/gunzip.ts
/** P23: the text in a binary message. Throws when it is no gzip, or larger than a frame may be. */
async function gunzip(bytes) {
	const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
	const decoder = new TextDecoder("utf-8", { fatal: true });
	const reader = stream.getReader();
	let text = "";
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return text + decoder.decode();
		text += decoder.decode(value, { stream: true });
		if (text.length > 33554432) {
			await reader.cancel();
			throw new RangeError("The frame is too large.");
		}
	}
}
// src/transport/answer.ts
/** P20: reads the whole answer; one without problem details is not from a Swain server and means nothing. */
async function refusalOf$1(response) {
	const { status } = response;
	const problem = await problemOf$1(response);
	if (problem === null) return {
		code: null,
		status,
		frames: [],
		close: CLOSED_ABNORMALLY
	};
	const frames = [JSON.stringify({ problem })];
	const wait = retryAfterMs(response);
	if (wait !== null) frames.push(JSON.stringify({ goaway: {
		reason: problem.code,
		retry: wait
	} }));
	return {
		code: problem.code,
		status,
		frames,
		close: closeCodeOf(status)
	};
}
function tell(events, refusal) {
	for (const frame of refusal.frames) events.frame(frame);
	events.closed(refusal.close);
}
function closeCodeOf(status) {
	if (status === 401) return 4401;
	if (status === 403) return 4403;
	if (status === 429 || status === 503) return 1013;
	return status >= 500 ? CLOSED_ABNORMALLY : 4400;
}
async function problemOf$1(response) {
	try {
		const body = parseJson(await response.text());
		if (!isObject(body) || typeof body.code !== "string") return null;
		return {
			code: body.code,
			title: typeof body.title === "string" ? body.title : body.code
		};
	} catch {
		return null;
	}
}
/** In seconds by our server; a date would be a proxy's. */
function retryAfterMs(response) {
	const seconds = Number(response.headers.get("retry-after") ?? "");
	return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, RETRY_AFTER_MAX_S) * 1e3 : null;
}
var RETRY_AFTER_MAX_S = 300;
// src/transport/http.ts
/** The requests of one connection, as one person. All end with `abort`. */
var Requests = class {
	options;
	#lists;
	#abort = new AbortController();
	/** P3: replaced when it is renewed. Null: signed out. */
	token;
	constructor(options, lists, token) {
		this.options = options;
		this.#lists = lists;
		this.token = token;
	}
	abort() {
		this.#abort.abort();
	}
	/** Throws when the server is not reached. */
	send(path, init = {}) {
		const { origin, fetch, credentials } = this.options;
		const headers = new Headers(init.headers);
		const isBearer = credentials === "bearer" && this.token !== null;
		if (isBearer) headers.set("authorization", `Bearer ${this.token}`);
		return fetch(`${origin}${path}`, {
			...init,
			headers,
			cache: "no-store",
			credentials: this.token === null ? "omit" : isBearer ? "same-origin" : "include",
			signal: this.#abort.signal
		});
	}
	post(path, body) {
		return this.send(path, {
			method: "POST",
			headers: { "content-type": "application/json" },
			body
		});
	}
	/** P20: the query of a stream; the list of shapes is posted when the server may not have it. */
	async query(hello, more) {
		const hash = await this.#lists.hash(this, hello.shapes);
		if (hash.kind === "refused") return hash;
		const members = {
			protocol: "1",
			device: hello.device,
			shapes: hash.value,
			acked: String(hello.acked),
			schema: String(hello.schema),
			load: hello.load,
			...more,
			compress: this.options.compression ? null : "0"
		};
		const query = new URLSearchParams();
		for (const [name, value] of Object.entries(members)) if (value !== null) query.set(name, value);
		return {
			kind: "ok",
			value: query.toString()
		};
	}
	/** The server does not have the list any longer: true, and it is posted with the next query. */
	forgets(refusal) {
		return refusal.code === "unknown_shapes" && this.#lists.forget();
	}
};
/** The hashes of the lists that were posted; they hold for every connection to the server. */
var ShapeLists = class {
	#hashes = /* @__PURE__ */ new Map();
	async hash(requests, shapes) {
		const body = JSON.stringify({ shapes });
		const known = this.#hashes.get(body);
		if (known !== void 0) return {
			kind: "ok",
			value: known
		};
		const response = await requests.post("/api/sync/shapes", body);
		if (!response.ok) return {
			kind: "refused",
			refusal: await refusalOf$1(response)
		};
		const answer = parseJson(await response.text());
		if (!isObject(answer) || typeof answer.hash !== "string") throw new TypeError("no hash of the shapes");
		this.#hashes.set(body, answer.hash);
		return {
			kind: "ok",
			value: answer.hash
		};
	}
	/** False: nothing was remembered, so to post again does not help. */
	forget() {
		const had = this.#hashes.size > 0;
		this.#hashes.clear();
		return had;
	}
};
/** The message of the session in its parts. */
function messageOf(text) {
	const message = parseJson(text);
	const [kind = "", body = null] = isObject(message) ? Object.entries(message)[0] ?? [] : [];
	return {
		kind,
		body: isObject(body) ? body : {}
	};
}
function helloOf(body) {
	return {
		device: String(body.device),
		cursor: textOf$1(body.cursor),
		acked: typeof body.acked === "number" ? body.acked : 0,
		shapes: body.shapes ?? [],
		load: textOf$1(body.load),
		schema: typeof body.schema === "number" ? body.schema : 0
	};
}
function textOf$1(value) {
	return typeof value === "string" ? value : null;
}
// src/transport/picking.ts
/** C17: opens each connection over the transport that the picker says, tells it what came of it, and returns. */
var PickingTransport = class {
	#options;
	#attempt = null;
	constructor(options) {
		this.#options = options;
	}
	open(events) {
		const attempt = new Attempt(this.#options, events);
		this.#attempt = attempt;
		return attempt;
	}
	handleOnline() {
		const { picker, clock } = this.#options;
		picker.handleOnline(clock.now());
		this.planReturn();
	}
	/** The picker knows something new of when. */
	planReturn() {
		this.#attempt?.planReturn();
	}
};
/** P15: what only the server says. Others are a proxy's, or the browser's. */
var CODES_OF_SERVER = /* @__PURE__ */ new Set([
	1e3,
	1001,
	1008,
	1009,
	1012,
	1013,
	4400,
	4401,
	4403,
	4408,
	4409,
	4410
]);
/** Switched off, or the server is older than the transport. */
var OFF = /* @__PURE__ */ new Set(["transport_off", "not_found"]);
var Attempt = class {
	kind;
	#options;
	#gate;
	#inner;
	#welcomedAt = null;
	#heardAt = 0;
	#isOff = false;
	#hasCaughtUp = false;
	#isPushing = false;
	#isDue = false;
	#isOver = false;
	#stopDeadline = () => void 0;
	#stopReturn = () => void 0;
	constructor(options, events) {
		const { picker, clock, transports } = options;
		this.#options = options;
		this.#gate = new Gate(events);
		this.kind = picker.choose(clock.now());
		const transport = transports.get(this.kind);
		if (transport === void 0) throw new TypeError(`no transport ${this.kind}`);
		options.debug(`transport ${this.kind}`);
		if (this.kind === "websocket") this.#setDeadline();
		this.#inner = transport.open({
			opened: () => this.#gate.opened(),
			frame: (text) => this.#handleFrame(text),
			closed: (code) => this.#handleClosed(code)
		});
	}
	send(text) {
		const kind = kindOf(text);
		if (kind === "push") this.#isPushing = true;
		if (kind === "hello" && this.kind !== "websocket") this.#setDeadline();
		this.#inner.send(text);
	}
	close(code, cause) {
		this.#gate.leave();
		this.#end(cause === "dead" ? "lost" : "left");
		this.#inner.close(code, cause);
	}
	/** A quiet moment after the return time is used. */
	planReturn() {
		this.#stopReturn();
		const { picker, clock } = this.#options;
		const at = picker.returnAt;
		this.#isDue = false;
		if (at === null || this.#isOver || this.#welcomedAt === null) return;
		this.#stopReturn = clock.setTimer(Math.max(0, at - clock.now()), () => {
			this.#isDue = true;
			this.#returnIfQuiet();
		});
	}
	#setDeadline() {
		const { clock, welcomeMs, transports } = this.#options;
		this.#stopDeadline();
		if (transports.size === 1) return;
		this.#stopDeadline = clock.setTimer(welcomeMs[this.kind], () => {
			this.#inner.close(1e3, "dead");
			this.#handleClosed(CLOSED_ABNORMALLY);
		});
	}
	#handleFrame(text) {
		const { picker, clock } = this.#options;
		const kind = kindOf(text);
		this.#heardAt = clock.now();
		if (kind === "problem") this.#isOff = OFF.has(String(messageOf(text).body.code));
		if (kind === "welcome" && this.#welcomedAt === null) {
			this.#welcomedAt = this.#heardAt;
			this.#stopDeadline();
			picker.handleWelcome(this.#heardAt);
			this.#options.remember(picker.fallback);
			this.planReturn();
		}
		if (kind === "caught_up") this.#hasCaughtUp = true;
		if (kind === "results") this.#isPushing = false;
		this.#gate.frame(text);
		if (this.#isDue) this.#returnIfQuiet();
	}
	#handleClosed(code) {
		this.#end(this.#isOff ? "off" : CODES_OF_SERVER.has(code) ? "closed" : "lost");
		this.#gate.closed(code);
	}
	#returnIfQuiet() {
		if (this.#isOver || !this.#hasCaughtUp || this.#isPushing) return;
		this.#end("left");
		this.#inner.close(1e3, "left");
		this.#gate.restart("return");
	}
	#end(ending) {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#stopDeadline();
		this.#stopReturn();
		const life = this.#welcomedAt === null ? null : this.#heardAt - this.#welcomedAt;
		this.#options.picker.handleEnd(this.#options.clock.now(), ending, life);
	}
};
// src/transport/poll-state.ts
/** P21: what makes many polls one connection. Reads what comes, and says hello for the next. */
var PollState = class {
	#hello;
	#greeting = null;
	#tag = null;
	#isCurrent = false;
	/** What the last frame that moved the cursor said of it. */
	#moved = null;
	#expires = null;
	#toldExpires = null;
	/** P25: what the session has heard of keys. */
	#aliases = /* @__PURE__ */ new Set();
	constructor(hello) {
		this.#hello = hello;
	}
	get hello() {
		return this.#hello;
	}
	/** Of the state that the device is in; null: the server is to answer whole. */
	get tag() {
		return this.#isCurrent ? this.#tag : null;
	}
	/** Everything up to the head had come with the last poll, and perhaps what it waited for. */
	get isCurrent() {
		return this.#isCurrent;
	}
	/** What the session gets for a frame; `changed`: the session must say hello itself. */
	handle(frame) {
		const [kind = "", body = null] = Object.entries(frame)[0] ?? [];
		if (!isObject(body)) return [frame];
		if (kind === "welcome") this.#isCurrent = false;
		if (kind === "caught_up") this.#isCurrent = true;
		if (kind === "welcome") return this.#handleWelcome(frame, body);
		this.#hearAliases(body);
		if (kind === "load") this.#hello = {
			...this.#hello,
			load: textOf$1(body.token) ?? this.#hello.load
		};
		if (kind === "load_end") this.#endLoad(body);
		if (typeof body.cursor === "string") this.#move(body.cursor, body);
		return kind === "caught_up" ? [frame, ...this.#news()] : [frame];
	}
	handleEnd(tag) {
		this.#tag = tag;
	}
	/** The server knows that this device is current: a sign of life, like a heartbeat. */
	nothingNew() {
		return this.#moved === null ? [] : [{ heartbeat: this.#moved }];
	}
	#handleWelcome(frame, body) {
		const live = (isArray(body.shapes) ? body.shapes : []).map((state) => isObject(state) && state.state === "live");
		const greeting = {
			who: JSON.stringify([
				body.epoch,
				body.user,
				body.role,
				body.device
			]),
			live
		};
		this.#expires = body.expires ?? null;
		if (this.#greeting !== null) return this.#isSame(this.#greeting, greeting, body) ? [] : "changed";
		this.#greeting = greeting;
		this.#hearAliases(body);
		this.#toldExpires = this.#expires;
		const { schema } = body;
		const version = isObject(schema) && typeof schema.version === "number" ? schema.version : this.#hello.schema;
		this.#hello = {
			...this.#hello,
			schema: version,
			load: body.load === "resume" ? this.#hello.load : null
		};
		return [frame];
	}
	#isSame(before, now, body) {
		const isLoading = before.live.some((isLive) => !isLive);
		const load = !isLoading ? null : this.#hello.load === null ? "start" : "resume";
		const goesOn = (body.load ?? null) === load && (body.schema ?? null) === null;
		if (isLoading && aliasTexts(body).some((alias) => !this.#aliases.has(alias))) return false;
		return goesOn && before.who === now.who && JSON.stringify(before.live) === JSON.stringify(now.live);
	}
	#hearAliases(body) {
		for (const alias of aliasTexts(body)) this.#aliases.add(alias);
	}
	#endLoad(body) {
		const ended = isArray(body.shapes) ? body.shapes : [];
		if (this.#greeting === null) return;
		const live = this.#greeting.live.map((isLive, index) => isLive || ended.includes(index));
		this.#greeting = {
			...this.#greeting,
			live
		};
		if (live.every((isLive) => isLive)) this.#hello = {
			...this.#hello,
			load: null
		};
	}
	#move(cursor, { pos = null, tag = null, acked = 0 }) {
		this.#moved = {
			cursor,
			pos,
			tag,
			acked
		};
		const known = typeof acked === "number" ? Math.max(acked, this.#hello.acked) : this.#hello.acked;
		this.#hello = {
			...this.#hello,
			cursor,
			acked: known
		};
	}
	/** The end of the token came with a welcome that the session does not see. */
	#news() {
		if (this.#expires === null || this.#expires === this.#toldExpires || this.#moved === null) return [];
		this.#toldExpires = this.#expires;
		return [{ heartbeat: {
			...this.#moved,
			expires: this.#expires
		} }];
	}
};
function aliasTexts(body) {
	return isArray(body.alias) ? body.alias.map((alias) => JSON.stringify(alias)) : [];
}
// src/transport/upward.ts
/** P22: what goes up beside a stream that only comes down. In order, one in flight. */
var Upward = class {
	#requests;
	#device;
	#gate;
	#last = Promise.resolve();
	#said = [];
	constructor(requests, device, gate) {
		this.#requests = requests;
		this.#device = device;
		this.#gate = gate;
	}
	/** Resolves when nothing is in flight. */
	get idle() {
		return this.#last;
	}
	push(mutations) {
		const body = JSON.stringify({
			device: this.#device,
			mutations
		});
		this.#last = this.#last.then(() => this.#post(body));
		return this.#last;
	}
	/** P28: what is said while a request is in flight goes with the next one. That it was lost changes nothing. */
	say(body) {
		this.#said.push(body);
		if (this.#said.length > 1) return;
		this.#last = this.#last.then(async () => {
			const presence = this.#said.splice(0).slice(-SAID_MAX);
			if (this.#gate.isOpen) await this.#answer(JSON.stringify({
				device: this.#device,
				presence
			}));
		});
	}
	async #post(body) {
		if (!this.#gate.isOpen) return;
		const answer = await this.#answer(body);
		switch (answer.kind) {
			case "results": return this.#gate.frame(answer.text);
			case "refused": return tell(this.#gate, answer.refusal);
			case "again": return this.#again(answer.code);
			default: return answer;
		}
	}
	async #answer(body) {
		try {
			const response = await this.#requests.post("/api/sync/batch", body);
			if (response.ok) return {
				kind: "results",
				text: await response.text()
			};
			const refusal = await refusalOf$1(response);
			return refusal.close === 1006 || refusal.close === 1013 ? {
				kind: "again",
				code: refusal.code ?? "unreachable"
			} : {
				kind: "refused",
				refusal
			};
		} catch {
			return {
				kind: "again",
				code: "unreachable"
			};
		}
	}
	/** P10: the stream may be well, so the same mutations go out again after a pause. */
	#again(code) {
		const problem = {
			code,
			title: "The edits did not reach the server; they are sent again."
		};
		this.#gate.frame(JSON.stringify({ results: {
			results: [],
			problem
		} }));
	}
};
/** P22: more is not taken at once; the latest counts. */
var SAID_MAX = 16;
// src/transport/poll.ts
/** What fails sooner was not waiting. */
var CUT_MIN_MS = 1e3;
/** P21: frames come in the answers to requests, each a short session of its own; to the device it is one connection. */
var PollTransport = class {
	#options;
	#lists;
	constructor(options, lists) {
		this.#options = options;
		this.#lists = lists;
	}
	open(events) {
		return new PollConnection(this.#options, this.#lists, new Gate(events));
	}
};
var PollConnection = class {
	kind = "poll";
	#options;
	#lists;
	#gate;
	#requests = null;
	#upward = null;
	#endPause = () => void 0;
	/** The server did not know the list of shapes, and gets it with the next poll. */
	#isPostingAgain = false;
	constructor(options, lists, gate) {
		this.#options = options;
		this.#lists = lists;
		this.#gate = gate;
		queueMicrotask(() => gate.opened());
	}
	send(text) {
		const { kind, body } = messageOf(text);
		if (kind === "hello") this.#begin(helloOf(body), textOf$1(body.token));
		if (kind === "push") this.#upward?.push(body.mutations ?? []).then(() => this.#endPause());
		if (kind === "auth" && this.#requests !== null) this.#requests.token = textOf$1(body.token);
	}
	close() {
		this.#gate.leave();
		this.#stop();
	}
	async #begin(hello, token) {
		const requests = new Requests(this.#options, this.#lists, token);
		this.#requests = requests;
		this.#upward = new Upward(requests, hello.device, this.#gate);
		try {
			await this.#run(requests, new PollState(hello));
		} catch {
			this.#gate.closed(CLOSED_ABNORMALLY);
		}
		this.#stop();
	}
	async #run(requests, state) {
		const { clock, wait } = this.#options;
		while (this.#gate.isOpen) {
			if (state.isCurrent && wait.seconds() === 0) await this.#pause();
			const seconds = state.isCurrent ? wait.seconds() : 0;
			const began = clock.now();
			try {
				await this.#poll(requests, state, seconds);
			} catch (error) {
				if (seconds === 0 || clock.now() - began < CUT_MIN_MS) throw error;
				await this.#poll(requests, state, 0);
				wait.handleCut();
			}
		}
	}
	/** Throws when there is no answer of a Swain server. */
	async #poll(requests, state, seconds) {
		if (!this.#gate.isOpen) return;
		const { hello, tag } = state;
		const query = await requests.query(hello, {
			since: hello.cursor,
			wait: String(seconds)
		});
		if (query.kind === "refused") return this.#refuse(query.refusal);
		const headers = tag === null ? {} : { "if-none-match": tag };
		const response = await requests.send(`/api/sync/changes?${query.value}`, { headers });
		if (response.status === 304) return this.#handle(state.nothingNew());
		if (!response.ok) {
			const refusal = await refusalOf$1(response);
			if (refusal.code === null) throw new TypeError("not the answer of a server");
			if (this.#isPostingAgain || !requests.forgets(refusal)) return this.#refuse(refusal);
			this.#isPostingAgain = true;
			return;
		}
		this.#isPostingAgain = false;
		const { frames, close } = bodyOf(await response.text());
		for (const frame of frames) {
			const verdict = state.handle(frame);
			if (verdict === "changed") return this.#gate.restart("changed");
			this.#handle(verdict);
		}
		state.handleEnd(response.headers.get("etag"));
		if (close !== null) this.#gate.closed(close);
	}
	#handle(frames) {
		for (const frame of frames) this.#gate.frame(JSON.stringify(frame));
	}
	#pause() {
		return new Promise((resolve) => {
			const stop = this.#options.clock.setTimer(this.#options.pauseMs, resolve);
			this.#endPause = () => {
				stop();
				resolve();
			};
		});
	}
	#refuse(refusal) {
		tell(this.#gate, refusal);
	}
	#stop() {
		this.#requests?.abort();
		this.#endPause();
	}
};
function bodyOf(text) {
	const body = parseJson(text);
	if (!isObject(body) || !isArray(body.frames)) throw new TypeError("no frames");
	const frames = body.frames.filter((frame) => isObject(frame));
	if (frames.length < body.frames.length) throw new TypeError("a frame that is none");
	return {
		frames,
		close: typeof body.close === "number" ? body.close : null
	};
}
// src/transport/event-parser.ts
/** Reads `text/event-stream` in pieces of any size, as the HTML standard says; ids and retry times are not used. */
var EventParser = class {
	#event;
	#line = "";
	#isFirst = true;
	#endedWithReturn = false;
	#name = "";
	#data = [];
	#chars = 0;
	constructor(event) {
		this.#event = event;
	}
	/** Throws when an event grows beyond what a frame may be. */
	push(text) {
		let from = this.#endedWithReturn && text.startsWith("\n") ? 1 : 0;
		if (text !== "") this.#endedWithReturn = text.endsWith("\r");
		const ends = /\r\n|\r|\n/g;
		ends.lastIndex = from;
		for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
			this.#endLine(this.#line + text.slice(from, end.index));
			this.#line = "";
			from = ends.lastIndex;
		}
		this.#line += text.slice(from);
		this.#checkSize(this.#line.length);
	}
	#endLine(text) {
		const line = this.#isFirst && text.startsWith("﻿") ? text.slice(1) : text;
		this.#isFirst = false;
		if (line === "") return this.#dispatch();
		const colon = line.indexOf(":");
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
		if (field === "event") this.#name = value;
		if (field !== "data") return;
		this.#data.push(value);
		this.#chars += value.length;
		this.#checkSize(0);
	}
	#dispatch() {
		const event = {
			name: this.#name === "" ? "message" : this.#name,
			data: this.#data.join("\n")
		};
		const isEmpty = this.#data.length === 0;
		this.#name = "";
		this.#data = [];
		this.#chars = 0;
		if (!isEmpty) this.#event(event);
	}
	#checkSize(more) {
		if (this.#chars + more > 33554432) throw new SwainError("bad_frame", "The server's event has no end.");
	}
};
// src/transport/sse.ts
/** P20: frames come as server-sent events, and go up in requests of their own. */
var SseTransport = class {
	#options;
	#lists;
	constructor(options, lists) {
		this.#options = options;
		this.#lists = lists;
	}
	open(events) {
		return new SseConnection(this.#options, this.#lists, new Gate(events));
	}
};
var SseConnection = class {
	kind = "sse";
	#options;
	#lists;
	#gate;
	#requests = null;
	#upward = null;
	#eventStream = null;
	constructor(options, lists, gate) {
		this.#options = options;
		this.#lists = lists;
		this.#gate = gate;
		queueMicrotask(() => gate.opened());
	}
	send(text) {
		const { kind, body } = messageOf(text);
		if (kind === "hello") this.#begin(helloOf(body), textOf$1(body.token));
		if (kind === "push") this.#upward?.push(body.mutations ?? []);
		if (kind === "presence") this.#upward?.say(body);
		if (kind === "auth") this.#renew(textOf$1(body.token));
	}
	close() {
		this.#gate.leave();
		this.#stop();
	}
	async #begin(hello, token) {
		const requests = new Requests(this.#options, this.#lists, token);
		this.#requests = requests;
		this.#upward = new Upward(requests, hello.device, this.#gate);
		try {
			await this.#open(requests, hello, "may post again");
		} catch {
			this.#end(CLOSED_ABNORMALLY);
		}
	}
	/** P3: the right to a stream cannot be renewed while it runs; what is on its way up is waited for. */
	async #renew(token) {
		if (this.#requests !== null) this.#requests.token = token;
		await this.#upward?.idle;
		this.#gate.restart("token");
		this.#stop();
	}
	async #open(requests, hello, shapes) {
		const query = await requests.query(hello, { cursor: hello.cursor });
		if (!this.#gate.isOpen) return;
		if (query.kind === "refused") return this.#refuse(query.refusal);
		const path = `/api/sync/events?${query.value}`;
		const { eventStream, credentials } = this.#options;
		const refusal = eventStream !== null && credentials === "cookie" && requests.token !== null ? await this.#listen(eventStream(`${this.#options.origin}${path}`), requests, path) : await this.#read(requests, path);
		if (refusal === null) return;
		if (shapes === "may post again" && requests.forgets(refusal)) return this.#open(requests, hello, "were posted again");
		this.#refuse(refusal);
	}
	/** Null: it was a stream, and is over. */
	async #read(requests, path) {
		const response = await requests.send(path, { headers: { accept: "text/event-stream" } });
		if (!response.ok) return refusalOf$1(response);
		const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
		if (response.body === null || !isStream) throw new TypeError("not a stream of events");
		const parser = new EventParser((event) => this.#handle(event));
		const decoder = new TextDecoder();
		const reader = response.body.getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done) break;
			parser.push(decoder.decode(value, { stream: true }));
		}
		this.#end(CLOSED_ABNORMALLY);
		return null;
	}
	/**
	* An EventSource does not say why it failed, so another request asks when there was not one event.
	* It is never left to connect again by itself: that is for the session to say.
	*/
	#listen(stream, requests, path) {
		this.#eventStream = stream;
		return new Promise((resolve, reject) => {
			let isWelcomed = false;
			stream.onmessage = ({ data }) => {
				isWelcomed = true;
				this.#handle({
					name: "message",
					data: String(data)
				});
			};
			stream.addEventListener("close", ({ data }) => {
				isWelcomed = true;
				this.#handle({
					name: "close",
					data: String(data)
				});
				resolve(null);
			});
			stream.onerror = () => {
				stream.close();
				if (isWelcomed || !this.#gate.isOpen) {
					this.#end(CLOSED_ABNORMALLY);
					resolve(null);
				} else this.#why(requests, path).then(resolve, reject);
			};
		});
	}
	async #why(requests, path) {
		const response = await requests.send(path, { headers: { accept: "text/event-stream" } });
		if (!response.ok) return refusalOf$1(response);
		this.#end(CLOSED_ABNORMALLY);
		return null;
	}
	#handle({ name, data }) {
		if (name === "message") this.#gate.frame(data);
		if (name === "close") this.#end(/^[0-9]{4}$/.test(data) ? Number(data) : CLOSED_ABNORMALLY);
	}
	#refuse(refusal) {
		tell(this.#gate, refusal);
		this.#stop();
	}
	#end(code) {
		this.#gate.closed(code);
		this.#stop();
	}
	#stop() {
		this.#requests?.abort();
		this.#eventStream?.close();
	}
};
// src/transport/websocket.ts
var WebSocketTransport = class {
	#options;
	#url;
	constructor(options) {
		this.#options = options;
		this.#url = `${options.origin.replace(/^http/, "ws")}/api/sync/ws`;
	}
	open(events) {
		const { newSocket, gunzip } = this.#options;
		let socket;
		try {
			socket = newSocket(this.#url);
		} catch {
			queueMicrotask(() => events.closed(CLOSED_ABNORMALLY));
			return {
				kind: "websocket",
				send: () => void 0,
				close: () => void 0
			};
		}
		const inbound = new Inbound(events, gunzip);
		socket.binaryType = "arraybuffer";
		socket.onopen = () => events.opened();
		socket.onmessage = ({ data }) => inbound.handle(data);
		socket.onclose = ({ code }) => inbound.end(code);
		socket.onerror = () => void 0;
		return {
			kind: "websocket",
			send: (text) => socket.send(gunzip === null ? text : takingGzip(text)),
			close: (code) => {
				inbound.leave();
				socket.onopen = null;
				socket.onmessage = null;
				socket.onclose = null;
				socket.close(code);
			}
		};
	}
};
var HELLO = "{\"hello\":{";
function takingGzip(text) {
	return text.startsWith(HELLO) ? `${HELLO}"gzip":true,${text.slice(10)}` : text;
}
/** Keeps the order: what comes behind a compressed frame waits until that is read, the end too. */
var Inbound = class {
	#events;
	#gunzip;
	#waiting = 0;
	#last = Promise.resolve();
	#isLeft = false;
	constructor(events, gunzip) {
		this.#events = events;
		this.#gunzip = gunzip;
	}
	handle(data) {
		const isText = typeof data === "string";
		if (isText && this.#waiting === 0) return this.#events.frame(data);
		this.#inOrder(isText ? Promise.resolve(data) : this.#read(data), (text) => this.#events.frame(text));
	}
	end(code) {
		if (this.#waiting === 0) return this.#events.closed(code);
		this.#inOrder(Promise.resolve(code), () => this.#events.closed(code));
	}
	leave() {
		this.#isLeft = true;
	}
	/** What cannot be read is handed on as what it is: no message. */
	async #read(data) {
		try {
			return data instanceof ArrayBuffer && this.#gunzip !== null ? await this.#gunzip(data) : "";
		} catch {
			return "";
		}
	}
	#inOrder(coming, work) {
		this.#waiting += 1;
		const before = this.#last;
		this.#last = coming.then(async (value) => {
			await before;
			this.#waiting -= 1;
			if (!this.#isLeft) work(value);
		});
	}
};
// src/transport/choice.ts
var TIMES = {
	...PICK_TIMES,
	welcomeMs: {
		websocket: 1e4,
		sse: 5e3,
		poll: 2e4
	},
	pollPauseMs: 5e3
};
var ALL$1 = [
	"websocket",
	"sse",
	"poll"
];
/** Throws `bad_options`. */
function pickingTransport(environment, origin, options, debug) {
	const kinds = checked(options.transports ?? ALL$1);
	const times = {
		...TIMES,
		...environment.transportTimes
	};
	const picker = new Picker(kinds, times);
	const { localStorage } = environment;
	const fallback = rememberedFallback(localStorage, origin);
	if (fallback !== null) picker.resume(environment.now(), fallback);
	const compression = options.compression ?? true;
	const lists = new ShapeLists();
	const http = {
		origin,
		fetch: (url, init) => environment.fetch(url, init),
		credentials: options.credentials ?? "bearer",
		compression
	};
	const wait = {
		seconds: () => picker.waitSeconds,
		handleCut: () => {
			picker.handleWaitCut(environment.now());
			picking.planReturn();
		}
	};
	const make = {
		websocket: () => {
			const newSocket = (url) => environment.socket(url);
			return new WebSocketTransport({
				origin,
				newSocket,
				gunzip: compression && environment.hasGunzip ? gunzip : null
			});
		},
		sse: () => new SseTransport({
			...http,
			eventStream: environment.eventStream
		}, lists),
		poll: () => new PollTransport({
			...http,
			clock: environment,
			wait,
			pauseMs: times.pollPauseMs
		}, lists)
	};
	const transports = new Map(kinds.map((kind) => [kind, make[kind]()]));
	const { welcomeMs } = times;
	const remember = (now) => rememberFallback(localStorage, origin, now);
	const picking = new PickingTransport({
		transports,
		picker,
		clock: environment,
		welcomeMs,
		remember,
		debug
	});
	return picking;
}
function checked(kinds) {
	const [first, ...rest] = kinds;
	const unknown = kinds.find((kind) => !ALL$1.includes(kind));
	if (first === void 0 || unknown !== void 0 || new Set(kinds).size < kinds.length) {
		const given = JSON.stringify(kinds);
		throw new SwainError("bad_options", `transports is a list of ${ALL$1.join(", ")}, each once, and not ${given}.`);
	}
	return [first, ...rest];
}
// src/client/signal.ts
var Signal = class {
	#calls = /* @__PURE__ */ new Set();
	#value;
	constructor(value) {
		this.#value = value;
	}
	subscribe = (call) => {
		this.#calls.add(call);
		return () => this.#calls.delete(call);
	};
	getSnapshot = () => this.#value;
	set(value) {
		if (value === this.#value) return;
		this.#value = value;
		callAll(this.#calls);
	}
};
/** What is worked out of something that is watched; equal values keep the snapshot. */
var Derived = class {
	subscribe;
	getSnapshot;
	constructor(source, derive) {
		this.subscribe = (call) => {
			let last = derive(source.getSnapshot());
			return source.subscribe(() => {
				const now = derive(source.getSnapshot());
				if (now === last) return;
				last = now;
				call();
			});
		};
		this.getSnapshot = () => derive(source.getSnapshot());
	}
};
/** An error in a callback of the application is reported, and does not stop the others or the engine. */
function callAll(calls, ...args) {
	for (const call of [...calls]) try {
		call(...args);
	} catch (error) {
		queueMicrotask(() => {
			throw error;
		});
	}
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
// src/client/inbox.ts
/** M15: where the inbox is, for a device that holds it. */
var INBOX_TABLE = "swain_inbox";
/** What waits for this person: on every device, when the client was made with `inbox: true`; else what this one knows. */
var Inbox = class {
	#source;
	#calls = /* @__PURE__ */ new Set();
	#stops = [];
	#seen = [];
	#items = [];
	constructor(source) {
		this.#source = source;
	}
	subscribe = (call) => {
		if (this.#calls.size === 0) {
			const { rows, refused } = this.#source;
			for (const watched of [rows, refused]) this.#stops.push(watched.subscribe(() => this.#handleChange()));
		}
		this.#calls.add(call);
		return () => {
			this.#calls.delete(call);
			if (this.#calls.size === 0) for (const stop of this.#stops.splice(0)) stop();
		};
	};
	/** The oldest first. */
	getSnapshot = () => {
		const { rows, refused } = this.#source;
		const seen = [rows.getSnapshot(), refused.getSnapshot()];
		if (seen.some((value, i) => value !== this.#seen[i])) {
			this.#seen = seen;
			this.#items = itemsOf(rows.getSnapshot(), refused.getSnapshot(), this.#source.device);
		}
		return this.#items;
	};
	/** Everybody sees at once what this person chose. `synced` rejects with `already_resolved` when another was first. */
	resolve(id, decision) {
		const item = this.#item(id);
		if (item.kind !== "conflict") throw new SwainError("not_a_conflict", `${id} is no conflict.`);
		const choice = typeof decision === "string" ? decision : "edited";
		return this.#decided([], () => {
			if (choice !== "theirs") {
				const value = typeof decision === "string" ? item[choice] : decision.value;
				this.#source.set(item.table, item.key, { [item.column]: value });
			}
			this.#source.set(INBOX_TABLE, [id], { choice });
		});
	}
	/** The same wishes again, as one mutation, based on what is visible now; `edit` may change the operations. */
	retry(id, edit = (ops) => ops) {
		const edits = this.#refusal(id).edits;
		return this.#decided(edits, () => {
			this.#source.again(edit(edits.flatMap(({ ops }) => ops)));
			this.#mark(edits, "retried");
		});
	}
	/** Gives what was refused up. Resolves when this device has it so. */
	async discard(id) {
		const { edits } = this.#refusal(id);
		if (edits.every((edit) => edit.id === null)) await this.#discardHere(edits);
		else await this.#decided(edits, () => this.#mark(edits, "discarded")).saved;
	}
	#item(id) {
		const item = this.getSnapshot().find((one) => one.id === id);
		if (item === void 0) throw new SwainError("row_gone", `There is nothing open in the inbox with the id ${id}.`);
		return item;
	}
	#refusal(id) {
		const item = this.#item(id);
		if (item.kind !== "refusal") throw new SwainError("not_refused", `${id} is no refusal.`);
		return item;
	}
	#mark(edits, choice) {
		for (const { id } of edits) if (id !== null) this.#source.set(INBOX_TABLE, [id], { choice });
	}
	#decided(edits, change) {
		const mutation = this.#source.group(change);
		mutation.saved.then(() => this.#discardHere(edits.filter(({ id }) => id === null))).catch(() => void 0);
		return mutation;
	}
	async #discardHere(edits) {
		for (const { n } of edits) await this.#source.discard(n);
	}
	#handleChange() {
		for (const n of settledHere(this.#source)) this.#source.discard(n).catch(() => void 0);
		callAll(this.#calls);
	}
};
/** Dead letters of this device that are done with: decided somewhere, or only a decision that came too late. */
function settledHere({ rows, refused, device }) {
	const decided = rows.getSnapshot().filter((row) => row.device === device && row.state !== "open");
	const isDone = ({ n, ops }) => isDecision(ops) || decided.some((row) => row.n === n);
	return refused.getSnapshot().filter(isDone).map(({ n }) => n);
}
function isDecision(ops) {
	return ops.some((operation) => "update" in operation && operation.update.table === "swain_inbox");
}
function itemsOf(rows, letters, device) {
	const known = new Set(rows.filter((row) => row.device === device).map(({ n }) => n));
	const items = [];
	const groups = /* @__PURE__ */ new Map();
	const open = rows.filter(({ state, choice }) => state === "open" && choice === null);
	for (const row of [...open].sort((a, b) => Number(a.opened_at) - Number(b.opened_at))) {
		if (row.kind === "conflict") items.push(conflictOf(row));
		if (row.kind === "refusal") join(items, groups, String(row.item), refusedOf(row));
	}
	for (const letter of letters) {
		if (known.has(letter.n) || isDecision(letter.ops)) continue;
		const message = isObject(letter.detail) ? textOf(letter.detail.message) : null;
		join(items, groups, `${device}/${letter.n}`, {
			...letter,
			id: null,
			device,
			message: message ?? letter.code
		});
	}
	return items;
}
function join(items, groups, id, edit) {
	const edits = groups.get(id);
	if (edits !== void 0) {
		edits.push(edit);
		edits.sort((a, b) => a.n - b.n);
		return;
	}
	const first = [edit];
	groups.set(id, first);
	items.push({
		kind: "refusal",
		id,
		edits: first
	});
}
function conflictOf(row) {
	return {
		kind: "conflict",
		id: String(row.id),
		table: String(row.row_table),
		key: listOf(row.row_key),
		column: String(row.row_column),
		base: row.base ?? null,
		mine: row.mine ?? null,
		mineBy: textOf(row.mine_by),
		mineAt: numberOf(row.mine_at),
		theirs: row.theirs ?? null,
		theirsBy: textOf(row.theirs_by),
		theirsName: textOf(row.theirs_name),
		theirsAt: numberOf(row.theirs_at),
		merged: row.merged ?? null,
		rule: String(row.rule)
	};
}
function refusedOf(row) {
	const problem = row.problem ?? null;
	const { code, message } = isObject(problem) ? problem : {
		code: null,
		message: null
	};
	return {
		id: String(row.id),
		device: String(row.device),
		n: Number(row.n),
		ops: listOf(row.ops),
		code: textOf(code) ?? "refused",
		message: textOf(message) ?? "",
		constraint: constraintOf(problem),
		at: Number(row.opened_at)
	};
}
function textOf(value) {
	return typeof value === "string" ? value : null;
}
function numberOf(value) {
	return typeof value === "number" ? value : null;
}
function listOf(value) {
	return value !== void 0 && isArray(value) ? value : [];
}
// src/client/inspection.ts
var ENTRIES_MAX = 100;
function inspect(replica, shapes) {
	const { device, mark, acked, schema } = replica.meta;
	const rows = counts(replica.confirmed.all());
	const staged = counts(replica.staging.all());
	return {
		device,
		mark: mark === null ? null : {
			pos: mark.pos,
			epoch: mark.epoch,
			cursor: mark.cursor
		},
		acked,
		schema: schema?.version ?? null,
		shapes: shapes.map((shape) => {
			const id = shapeId(shape);
			return {
				shape,
				rows: rows.get(id) ?? 0,
				staged: staged.get(id) ?? 0
			};
		}),
		outbox: [...replica.outbox.unsaved(), ...[...replica.outbox.saved()].reverse()].slice(0, ENTRIES_MAX)
	};
}
function counts(rows) {
	const counted = /* @__PURE__ */ new Map();
	for (const row of rows) for (const id of row.in) counted.set(id, (counted.get(id) ?? 0) + 1);
	return counted;
}
// src/engine/select.ts
/** Which rows, and in which order: without `orderBy`, and between equals, that of the key. */
var Selector = class {
	selection;
	matches;
	/** Columns that must have these values, for an index; none when a predicate decides. */
	equal;
	constructor(selection) {
		const { where = {} } = selection;
		this.selection = selection;
		this.equal = typeof where === "function" ? {} : where;
		this.matches = typeof where === "function" ? where : matcher(where);
	}
	select(rows) {
		const found = [];
		for (const visible of rows) if (this.matches(visible.row)) found.push(visible);
		return found.sort((a, b) => this.#compare(a, b));
	}
	/** The limit cuts only what is shown. */
	shown(found) {
		return found.slice(0, this.selection.limit ?? found.length).map((visible) => visible.row);
	}
	/** Where a row stands in an ordered list, or is to be put. */
	place(rows, wanted) {
		let [low, high] = [0, rows.length];
		while (low < high) {
			const middle = low + high >> 1;
			const row = rows[middle];
			if (row !== void 0 && this.#compare(row, wanted) < 0) low = middle + 1;
			else high = middle;
		}
		return low;
	}
	#compare(a, b) {
		for (const [column, direction] of this.selection.orderBy ?? []) {
			const order = compareValues(a.row[column] ?? null, b.row[column] ?? null);
			if (order !== 0) return direction === "asc" ? order : -order;
		}
		return compareKeys(a, b);
	}
};
/** Null, then false, true, numbers (int64 as text is one), texts by UTF-16, and other JSON, which has no order. */
function compareValues(a, b) {
	if (typeof a === "number" && typeof b === "number") return a - b;
	if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
	if (typeof a === "number" || typeof b === "number") {
		const [left, right] = [wireToBigint(a), wireToBigint(b)];
		if (left !== null && right !== null) return left < right ? -1 : Number(left > right);
	}
	return rank(a) - rank(b);
}
function compareTexts(a, b) {
	if (a === b) return 0;
	const [left, right] = [longInteger(a), longInteger(b)];
	if (left !== null && right !== null) return left < right ? -1 : 1;
	return a < b ? -1 : 1;
}
/** An int64 beyond the doubles travels as text; shorter texts are texts. */
function longInteger(text) {
	return text.length < 16 ? null : wireToBigint(text);
}
function compareKeys(a, b) {
	for (const [i, value] of a.key.entries()) {
		const order = compareValues(value, b.key[i] ?? null);
		if (order !== 0) return order;
	}
	return 0;
}
function rank(value) {
	if (value === null) return 0;
	if (typeof value === "boolean") return value ? 2 : 1;
	if (typeof value === "number") return 3;
	return typeof value === "string" ? 4 : 5;
}
function matcher(where) {
	const wanted = Object.entries(where);
	return (row) => wanted.every(([column, value]) => equalJson(row[column] ?? null, value));
}
// src/client/live-query.ts
/** The result of a query. A step of changes costs as much as it has rows, however large the table is. */
var LiveQuery = class {
	table;
	#selector;
	#source;
	#calls = /* @__PURE__ */ new Set();
	#unwatch = () => void 0;
	#version = -1;
	/** All that match, in order. */
	#found = [];
	#rows = [];
	constructor(source, table, selection) {
		this.#source = source;
		this.table = table;
		this.#selector = new Selector(selection);
	}
	subscribe = (call) => {
		if (this.#calls.size === 0) this.#unwatch = this.#source.watch(this);
		this.#calls.add(call);
		return () => {
			this.#calls.delete(call);
			if (this.#calls.size === 0) this.#unwatch();
		};
	};
	getSnapshot = () => {
		const version = this.#source.version(this.table);
		if (version !== this.#version) {
			this.#version = version;
			this.#lookAgain();
			this.#show();
		}
		return this.#rows;
	};
	/** The rows, once this run has caught up with the server. */
	fresh = async () => {
		await this.#source.fresh();
		return this.getSnapshot();
	};
	refresh(rows) {
		const before = this.#rows;
		const isNext = this.#source.version(this.table) === this.#version + 1;
		if (rows === null || !isNext) this.getSnapshot();
		else {
			this.#version += 1;
			if (this.#follow(rows)) this.#show();
		}
		if (this.#rows !== before) callAll(this.#calls);
	}
	/** Returns whether anything that was found is another now. */
	#follow(rows) {
		let isChanged = false;
		for (const { key, before } of rows) {
			const text = keyText(key);
			if (before !== null && this.#selector.matches(before)) {
				const at = this.#selector.place(this.#found, {
					key,
					keyText: text,
					row: before
				});
				if (this.#found[at]?.keyText !== text) return this.#lookAgain();
				this.#found.splice(at, 1);
				isChanged = true;
			}
			const visible = this.#source.replica?.visible(this.table, text);
			if (visible === void 0 || !this.#selector.matches(visible.row)) continue;
			this.#found.splice(this.#selector.place(this.#found, visible), 0, visible);
			isChanged = true;
		}
		return isChanged;
	}
	#lookAgain() {
		this.#found = this.#selector.select(this.#source.replica?.candidates(this.table, this.#selector.equal) ?? []);
		return true;
	}
	#show() {
		const rows = this.#selector.shown(this.#found);
		if (!(rows.length === this.#rows.length && rows.every((row, i) => row === this.#rows[i]))) this.#rows = rows;
	}
};
// src/client/live-row.ts
/** One row, whatever key it is known by; undefined when it is not here. */
var LiveRow = class {
	table;
	getSnapshot;
	#source;
	#calls = /* @__PURE__ */ new Set();
	#unwatch = () => void 0;
	#told;
	constructor(source, table, row) {
		this.#source = source;
		this.table = table;
		this.getSnapshot = row;
	}
	subscribe = (call) => {
		if (this.#calls.size === 0) {
			this.#told = this.getSnapshot();
			this.#unwatch = this.#source.watch(this);
		}
		this.#calls.add(call);
		return () => {
			this.#calls.delete(call);
			if (this.#calls.size === 0) this.#unwatch();
		};
	};
	refresh(_rows) {
		const now = this.getSnapshot();
		if (now === this.#told) return;
		this.#told = now;
		callAll(this.#calls);
	}
};
// node_modules/idb/build/index.js
var instanceOfAny = (object, constructors) => constructors.some((c) => object instanceof c);
var idbProxyableTypes;
var cursorAdvanceMethods;
function getIdbProxyableTypes() {
	return idbProxyableTypes || (idbProxyableTypes = [
		IDBIndex,
		IDBObjectStore,
		IDBCursor,
		IDBDatabase,
		IDBTransaction
	]);
}
function getCursorAdvanceMethods() {
	return cursorAdvanceMethods || (cursorAdvanceMethods = [
		"advance",
		"continue",
		"continuePrimaryKey"
	].map((method) => IDBCursor.prototype[method]));
}
var transactionDoneMap = /* @__PURE__ */ new WeakMap();
var transformCache = /* @__PURE__ */ new WeakMap();
var reverseTransformCache = /* @__PURE__ */ new WeakMap();
function promisifyRequest(request) {
	const promise = new Promise((resolve, reject) => {
		const unlisten = () => {
			request.removeEventListener("success", success);
			request.removeEventListener("error", error);
		};
		const success = () => {
			resolve(wrap(request.result));
			unlisten();
		};
		const error = () => {
			reject(request.error);
			unlisten();
		};
		request.addEventListener("success", success);
		request.addEventListener("error", error);
	});
	reverseTransformCache.set(promise, request);
	return promise;
}
function cacheDonePromiseForTransaction(tx) {
	if (transactionDoneMap.has(tx)) return;
	const done = new Promise((resolve, reject) => {
		const unlisten = () => {
			tx.removeEventListener("complete", complete);
			tx.removeEventListener("error", error);
			tx.removeEventListener("abort", error);
		};
		const complete = () => {
			resolve();
			unlisten();
		};
		const error = () => {
			reject(tx.error || new DOMException("AbortError", "AbortError"));
			unlisten();
		};
		tx.addEventListener("complete", complete);
		tx.addEventListener("error", error);
		tx.addEventListener("abort", error);
	});
	transactionDoneMap.set(tx, done);
}
var idbProxyTraps = {
	get(target, prop, receiver) {
		if (target instanceof IDBTransaction) {
			if (prop === "done") return transactionDoneMap.get(target);
			if (prop === "store") return receiver.objectStoreNames[1] ? void 0 : receiver.objectStore(receiver.objectStoreNames[0]);
		}
		return wrap(target[prop]);
	},
	set(target, prop, value) {
		target[prop] = value;
		return true;
	},
	has(target, prop) {
		if (target instanceof IDBTransaction && (prop === "done" || prop === "store")) return true;
		return prop in target;
	}
};
function replaceTraps(callback) {
	idbProxyTraps = callback(idbProxyTraps);
}
function wrapFunction(func) {
	if (getCursorAdvanceMethods().includes(func)) return function(...args) {
		func.apply(unwrap(this), args);
		return wrap(this.request);
	};
	return function(...args) {
		return wrap(func.apply(unwrap(this), args));
	};
}
function transformCachableValue(value) {
	if (typeof value === "function") return wrapFunction(value);
	if (value instanceof IDBTransaction) cacheDonePromiseForTransaction(value);
	if (instanceOfAny(value, getIdbProxyableTypes())) return new Proxy(value, idbProxyTraps);
	return value;
}
function wrap(value) {
	if (value instanceof IDBRequest) return promisifyRequest(value);
	if (transformCache.has(value)) return transformCache.get(value);
	const newValue = transformCachableValue(value);
	if (!Object.is(newValue, value)) {
		transformCache.set(value, newValue);
		reverseTransformCache.set(newValue, value);
	}
	return newValue;
}
var unwrap = (value) => reverseTransformCache.get(value);
/**
* Open a database.
*
* @param name Name of the database.
* @param version Schema version.
* @param callbacks Additional callbacks.
*/
function openDB(name, version, { blocked, upgrade, blocking, terminated } = {}) {
	const request = indexedDB.open(name, version);
	const openPromise = wrap(request);
	if (upgrade) request.addEventListener("upgradeneeded", (event) => {
		upgrade(wrap(request.result), event.oldVersion, event.newVersion, wrap(request.transaction), event);
	});
	if (blocked) request.addEventListener("blocked", (event) => blocked(event.oldVersion, event.newVersion, event));
	openPromise.then((db) => {
		if (terminated) db.addEventListener("close", () => terminated());
		if (blocking) db.addEventListener("versionchange", (event) => blocking(event.oldVersion, event.newVersion, event));
	}).catch(() => {});
	return openPromise;
}
var readMethods = [
	"get",
	"getKey",
	"getAll",
	"getAllKeys",
	"count"
];
var writeMethods = [
	"put",
	"add",
	"delete",
	"clear"
];
var cachedMethods = {};
function getMethod(target, prop) {
	if (!(target instanceof IDBDatabase && !(prop in target) && typeof prop === "string")) return;
	if (cachedMethods[prop]) return cachedMethods[prop];
	const targetFuncName = prop.replace(/FromIndex$/, "");
	const useIndex = prop !== targetFuncName;
	const isWrite = writeMethods.includes(targetFuncName);
	if (!(targetFuncName in (useIndex ? IDBIndex : IDBObjectStore).prototype) || !(isWrite || readMethods.includes(targetFuncName))) return;
	const method = async function(storeName, ...args) {
		const tx = this.transaction(storeName, isWrite ? "readwrite" : "readonly");
		let target = tx.store;
		if (useIndex) target = target.index(args.shift());
		return (await Promise.all([target[targetFuncName](...args), isWrite && tx.done]))[0];
	};
	return cachedMethods[prop] = method;
}
replaceTraps((oldTraps) => ({
	...oldTraps,
	get: (target, prop, receiver) => getMethod(target, prop) || oldTraps.get(target, prop, receiver),
	has: (target, prop) => !!getMethod(target, prop) || oldTraps.has(target, prop)
}));
var advanceMethodProps = [
	"advance",
	"continue",
	"continuePrimaryKey"
];
var methodMap = {};
var advanceResults = /* @__PURE__ */ new WeakMap();
var ittrProxiedCursorToOriginalProxy = /* @__PURE__ */ new WeakMap();
var cursorIteratorTraps = { get(target, prop) {
	if (!advanceMethodProps.includes(prop)) return target[prop];
	let cachedFunc = methodMap[prop];
	if (!cachedFunc) cachedFunc = methodMap[prop] = function(...args) {
		advanceResults.set(this, ittrProxiedCursorToOriginalProxy.get(this)[prop](...args));
	};
	return cachedFunc;
} };
async function* iterate(...args) {
	let cursor = this;
	if (!(cursor instanceof IDBCursor)) cursor = await cursor.openCursor(...args);
	if (!cursor) return;
	cursor = cursor;
	const proxiedCursor = new Proxy(cursor, cursorIteratorTraps);
	ittrProxiedCursorToOriginalProxy.set(proxiedCursor, cursor);
	reverseTransformCache.set(proxiedCursor, unwrap(cursor));
	while (cursor) {
		yield proxiedCursor;
		cursor = await (advanceResults.get(proxiedCursor) || cursor.continue());
		advanceResults.delete(proxiedCursor);
	}
}
function isIteratorProp(target, prop) {
	return prop === Symbol.asyncIterator && instanceOfAny(target, [
		IDBIndex,
		IDBObjectStore,
		IDBCursor
	]) || prop === "iterate" && instanceOfAny(target, [IDBIndex, IDBObjectStore]);
}
replaceTraps((oldTraps) => ({
	...oldTraps,
	get(target, prop, receiver) {
		if (isIteratorProp(target, prop)) return iterate;
		return oldTraps.get(target, prop, receiver);
	},
	has(target, prop) {
		return isIteratorProp(target, prop) || oldTraps.has(target, prop);
	}
}));
// src/engine/renumber.ts
/**
* C10: what the outbox becomes under a new device id.
* Pending entries are numbered from 1; acknowledged ones that the server (restored to `last`) has lost go first.
* `settle`: under the new id the server knows no alias, so rows are named by their own keys (C19).
* Dead letters get negative numbers, so that no new mutation can meet theirs.
*/
function renumbered(entries, isLost, settle = (ops) => ops) {
	const saved = entries.filter(isSaved).sort((a, b) => a.n - b.n);
	const kept = saved.filter((entry) => entry.state.kind === "pending" || isLost(entry));
	const numbers = new Map(kept.map((entry, i) => [entry.n, i + 1]));
	const alive = kept.map((entry, i) => ({
		...entry,
		n: i + 1,
		ops: resolveAfter(settle(entry.ops), (was) => "after" in was ? numbers.get(was.after) ?? null : null),
		state: {
			kind: "pending",
			result: null
		}
	}));
	return {
		entries: [...saved.filter((entry) => entry.state.kind === "refused").map((entry, i) => ({
			...entry,
			n: -(i + 1)
		})), ...alive],
		lastN: alive.length
	};
}
/** C19: the aliases under a new device id, and how operations are named for it. */
function settled(schema, aliases, last) {
	const { back } = lostAbove(schema, aliases, last);
	const kept = aliases.filter((alias) => alias.n <= last);
	const known = new Aliases(kept);
	return {
		aliases: kept.map((alias) => ({
			...alias,
			n: 0
		})),
		settle: (ops) => known.operations(schema, back(ops))
	};
}
// src/engine/temporary.ts
/** C19: temporary ids of one block. Each tab takes a block of its own from storage, so that no two tabs draw the same. */
var BLOCK_IDS = 2 ** 20;
var TemporaryIds = class {
	#next;
	#end;
	/** `block` is never given out again. */
	constructor(block) {
		this.#next = block * BLOCK_IDS;
		this.#end = this.#next + BLOCK_IDS;
	}
	draw() {
		if (this.#next >= this.#end) throw new SwainError("limit_temporary_ids", `A tab gives at most ${BLOCK_IDS} temporary ids; open another.`);
		this.#next += 1;
		return -(this.#next - 1);
	}
};
/**
* Where a device begins to count its blocks. Two people of one browser have two stores and two devices, and one database
* of the application may hold rows of both (a Dexie database does): what they draw must not meet. FNV-1a, 32 bits.
*/
function blocksBefore(device) {
	let hash = 2166136261;
	for (let i = 0; i < device.length; i += 1) hash = Math.imul(hash ^ device.charCodeAt(i), 16777619) >>> 0;
	return hash;
}
// src/store/store.ts
var StoreError = class extends Error {
	kind;
	constructor(kind, message, cause) {
		super(message, { cause });
		this.name = "StoreError";
		this.kind = kind;
	}
};
/** C10: acknowledged by the history that the server no longer has. */
function isLostAbove(entry, lostAbove) {
	return entry.state.kind === "acked" && entry.n !== null && entry.n > lostAbove;
}
// src/store/idb-store.ts
/** 2: the aliases. */
var VERSION = 2;
var META = "meta";
var ALL = [
	"meta",
	"rows",
	"staging",
	"outbox",
	"aliases"
];
/** One IndexedDB database. Inside a transaction only its own requests are awaited: anything else would commit it. */
var IdbStore = class {
	isPersistent = true;
	#name;
	#newDevice;
	#blocked;
	#db = null;
	#closed = false;
	/** `blocked`: a page of an older version has it open and does not let go, so that opening waits. */
	constructor(name, newDevice, blocked = () => void 0) {
		this.#name = name;
		this.#newDevice = newDevice;
		this.#blocked = blocked;
	}
	read(kept) {
		const first = kept ?? {
			meta: newMeta(this.#newDevice()),
			rows: [],
			staging: [],
			outbox: []
		};
		return this.#transaction(ALL, "relaxed", async (tx) => {
			const [known, rows, staging, outbox, aliases] = await Promise.all([
				tx.objectStore("meta").get(META),
				tx.objectStore("rows").getAll(),
				tx.objectStore("staging").getAll(),
				tx.objectStore("outbox").getAll(),
				tx.objectStore("aliases").getAll()
			]);
			if (known === void 0) {
				const { meta, rows: held, outbox: entries, aliases: learned } = first;
				await all(writes(tx, {
					rows: held.map((row) => ({
						kind: "put",
						held: row
					})),
					entries,
					aliases: learned ?? []
				}, meta));
				return first;
			}
			return {
				meta: known,
				rows,
				staging,
				outbox,
				aliases: aliases.map(({ fromText: _text, ...alias }) => alias)
			};
		});
	}
	reserve() {
		return this.#transaction(["meta"], "relaxed", async (tx) => {
			const meta = await metaOf(tx);
			const blocks = (meta.blocks ?? blocksBefore(meta.device)) + 1;
			await tx.objectStore("meta").put({
				...meta,
				blocks
			}, META);
			return blocks;
		});
	}
	readOutbox() {
		return this.#transaction(["meta", "outbox"], "relaxed", async (tx) => {
			const [meta, outbox] = await Promise.all([metaOf(tx), tx.objectStore("outbox").getAll()]);
			return {
				meta,
				outbox
			};
		});
	}
	append(entry) {
		return this.#transaction(["meta", "outbox"], "strict", async (tx) => {
			const outbox = tx.objectStore("outbox");
			const known = await outbox.index("uid").get(entry.uid);
			if (known !== void 0) return known;
			const meta = await metaOf(tx);
			const ops = await resolved(tx, entry);
			const saved = {
				...entry,
				n: meta.lastN + 1,
				ops
			};
			await all([outbox.put(saved), tx.objectStore("meta").put({
				...meta,
				lastN: saved.n
			}, META)]);
			return saved;
		});
	}
	remove(n) {
		return this.#transaction(["outbox"], "strict", async (tx) => {
			await tx.objectStore("outbox").delete(n);
		});
	}
	lead() {
		return this.#transaction(["meta"], "strict", async (tx) => {
			const meta = await metaOf(tx);
			const led = {
				...meta,
				generation: meta.generation + 1
			};
			await tx.objectStore("meta").put(led, META);
			return led;
		});
	}
	write(generation, batch) {
		const tables = ALL.filter((name) => name === "meta" || isConcerned(name, batch));
		return this.#transaction(tables, "relaxed", async (tx) => {
			const meta = await fenced(tx, generation);
			const number = meta.number + 1;
			await all(writes(tx, batch, {
				...metaAfter(meta, batch),
				number
			}));
			return number;
		});
	}
	rewrite(generation, device, lostAbove) {
		return this.#transaction([
			"meta",
			"outbox",
			"aliases"
		], "strict", async (tx) => {
			const meta = await fenced(tx, generation);
			const outbox = tx.objectStore("outbox");
			const { aliases, settle } = settled(meta.schema, await tx.objectStore("aliases").getAll(), lostAbove);
			const next = renumbered(await outbox.getAll(), (entry) => isLostAbove(entry, lostAbove), settle);
			const number = meta.number + 1;
			await outbox.clear();
			await tx.objectStore("aliases").clear();
			await all(aliases.map((alias) => tx.objectStore("aliases").put(storedAlias(alias))));
			await all(next.entries.filter(isSaved).map((entry) => outbox.put(entry)));
			await tx.objectStore("meta").put({
				...meta,
				device,
				lastN: next.lastN,
				acked: 0,
				number
			}, META);
		});
	}
	close() {
		this.#closed = true;
		this.#drop();
	}
	/** iOS loses connections in the background: open again and retry once. Both writes with an id can be repeated. */
	async #transaction(tables, durability, body) {
		try {
			return await this.#attempt(tables, durability, body);
		} catch (error) {
			if (!isLost(error) || this.#closed) throw storeError(error);
		}
		await this.#drop();
		try {
			return await this.#attempt(tables, durability, body);
		} catch (error) {
			throw storeError(error);
		}
	}
	async #attempt(tables, durability, body) {
		if (this.#closed) throw new StoreError("closed", "The store is closed.");
		this.#db ??= this.#open();
		const tx = (await this.#db).transaction(tables, "readwrite", { durability });
		const done = tx.done.then(() => null, (error) => error ?? new DOMException("The transaction was aborted.", "AbortError"));
		try {
			const result = await body(tx);
			const failure = await done;
			if (failure !== null) throw failure;
			return result;
		} catch (error) {
			abort(tx);
			const failure = await done;
			throw error instanceof DOMException && error.name === "AbortError" ? failure ?? error : error;
		}
	}
	#open() {
		const opening = openDB(this.#name, VERSION, {
			upgrade(db, from) {
				if (from < 1) {
					db.createObjectStore("meta");
					db.createObjectStore("rows", { keyPath: ["table", "keyText"] });
					db.createObjectStore("staging", { keyPath: ["table", "keyText"] });
					db.createObjectStore("outbox", { keyPath: "n" }).createIndex("uid", "uid", { unique: true });
				}
				if (from < 2) db.createObjectStore("aliases", { keyPath: ["table", "fromText"] });
			},
			blocked: () => this.#blocked(),
			blocking: () => void this.#drop(),
			terminated: () => {
				this.#db = null;
			}
		});
		opening.catch(() => {
			this.#db = null;
		});
		return opening;
	}
	async #drop() {
		const opened = this.#db;
		this.#db = null;
		await opened?.then((db) => db.close(), () => void 0);
	}
};
function isConcerned(name, batch) {
	switch (name) {
		case "meta": return true;
		case "rows": return (batch.rows?.length ?? 0) > 0;
		case "staging": return batch.staging !== void 0;
		case "outbox": return (batch.entries?.length ?? 0) + (batch.gone?.length ?? 0) > 0;
		case "aliases": return (batch.aliases?.length ?? 0) > 0;
		default: return name;
	}
}
/** The requests of a write, one by one. */
function* writes(tx, batch, meta) {
	yield tx.objectStore("meta").put(meta, META);
	for (const write of batch.rows ?? []) {
		const rows = tx.objectStore("rows");
		yield write.kind === "put" ? rows.put(write.held) : rows.delete([write.table, write.keyText]);
	}
	for (const entry of (batch.entries ?? []).filter(isSaved)) yield tx.objectStore("outbox").put(entry);
	for (const n of batch.gone ?? []) yield tx.objectStore("outbox").delete(n);
	for (const alias of batch.aliases ?? []) {
		const { table, fromText } = storedAlias(alias);
		const aliases = tx.objectStore("aliases");
		yield fromText === keyText(alias.to) ? aliases.delete([table, fromText]) : aliases.put(storedAlias(alias));
	}
	if (batch.staging?.clear === true) yield tx.objectStore("staging").clear();
	for (const held of batch.staging?.puts ?? []) yield tx.objectStore("staging").put(held);
}
function storedAlias(alias) {
	return {
		...alias,
		fromText: keyText(alias.from)
	};
}
/** Starts them all. One that throws at once must not leave those before it unheard when the transaction aborts. */
async function all(requests) {
	const started = [];
	for (const request of requests) {
		request.catch(() => void 0);
		started.push(request);
	}
	await Promise.all(started);
}
async function metaOf(tx) {
	const meta = await tx.objectStore("meta").get(META);
	if (meta === void 0) throw new StoreError("emptied", "The store was emptied under this page.");
	return meta;
}
async function fenced(tx, generation) {
	const meta = await metaOf(tx);
	if (meta.generation !== generation) throw new StoreError("fenced", "Another tab leads.");
	return meta;
}
/** M3: `after` names a number, and only this transaction knows which. */
async function resolved(tx, entry) {
	const outbox = tx.objectStore("outbox");
	const numbers = /* @__PURE__ */ new Map();
	for (const operation of entry.ops) {
		const was = Object.values(wasOf(operation) ?? {});
		for (const seen of was) {
			if (!("afterUid" in seen) && !("after" in seen)) continue;
			const name = "after" in seen ? seen.after : seen.afterUid;
			if (numbers.has(name)) continue;
			const other = await ("after" in seen ? outbox.get(seen.after) : outbox.index("uid").get(seen.afterUid));
			if (other?.state.kind === "pending") numbers.set(name, other.n);
		}
	}
	return resolveAfter(entry.ops, (was) => numbers.get("after" in was ? was.after : was.afterUid) ?? null);
}
function abort(tx) {
	try {
		tx.abort();
	} catch {}
}
function isLost(error) {
	return error instanceof DOMException && (error.name === "UnknownError" || error.name === "InvalidStateError");
}
function storeError(error) {
	if (error instanceof StoreError) return error;
	const name = error instanceof DOMException ? error.name : "";
	if (name === "QuotaExceededError") return new StoreError("quota", "The device has no room left.", error);
	if (name === "VersionError") return new StoreError("newer", "A newer version of the page has the data.", error);
	return new StoreError("failed", error instanceof Error ? error.message : String(error), error);
}
// src/store/memory-store.ts
/** A store that is gone with the page: private windows, insecure contexts, tests. */
var MemoryStore = class {
	isPersistent = false;
	#rows = new HeldRows();
	#staging = new HeldRows();
	#outbox = /* @__PURE__ */ new Map();
	#aliases = new Aliases();
	#meta;
	constructor(device) {
		this.#meta = newMeta(device);
	}
	async read() {
		return {
			meta: this.#meta,
			rows: [...this.#rows.all()],
			staging: [...this.#staging.all()],
			outbox: [...this.#outbox.values()],
			aliases: this.#aliases.all()
		};
	}
	async reserve() {
		const blocks = (this.#meta.blocks ?? blocksBefore(this.#meta.device)) + 1;
		this.#meta = {
			...this.#meta,
			blocks
		};
		return blocks;
	}
	async readOutbox() {
		return {
			meta: this.#meta,
			outbox: [...this.#outbox.values()]
		};
	}
	async append(entry) {
		const entries = [...this.#outbox.values()].filter(isSaved);
		const known = entries.find((other) => other.uid === entry.uid);
		if (known !== void 0) return known;
		const pending = entries.filter((other) => other.state.kind === "pending");
		const ops = resolveAfter(entry.ops, (was) => {
			return pending.find((other) => "after" in was ? other.n === was.after : other.uid === was.afterUid)?.n ?? null;
		});
		const n = this.#meta.lastN + 1;
		const saved = {
			...entry,
			n,
			ops
		};
		this.#meta = {
			...this.#meta,
			lastN: n
		};
		this.#outbox.set(n, saved);
		return saved;
	}
	async remove(n) {
		this.#outbox.delete(n);
	}
	async lead() {
		this.#meta = {
			...this.#meta,
			generation: this.#meta.generation + 1
		};
		return this.#meta;
	}
	async write(generation, batch) {
		this.#fence(generation);
		for (const write of batch.rows ?? []) this.#rows.write(write);
		for (const entry of batch.entries ?? []) if (isSaved(entry)) this.#outbox.set(entry.n, entry);
		for (const n of batch.gone ?? []) this.#outbox.delete(n);
		if (batch.staging?.clear === true) this.#staging.clear();
		const puts = batch.staging?.puts ?? [];
		for (const held of puts) this.#staging.put(held);
		for (const alias of batch.aliases ?? []) this.#aliases.put(alias);
		this.#meta = {
			...metaAfter(this.#meta, batch),
			number: this.#meta.number + 1
		};
		return this.#meta.number;
	}
	async rewrite(generation, device, lostAbove) {
		this.#fence(generation);
		const { aliases, settle } = settled(this.#meta.schema, this.#aliases.all(), lostAbove);
		const next = renumbered([...this.#outbox.values()], (entry) => isLostAbove(entry, lostAbove), settle);
		this.#aliases = new Aliases(aliases);
		this.#outbox = new Map(next.entries.filter(isSaved).map((entry) => [entry.n, entry]));
		const number = this.#meta.number + 1;
		this.#meta = {
			...this.#meta,
			device,
			lastN: next.lastN,
			acked: 0,
			number
		};
	}
	close() {}
	#fence(generation) {
		if (generation !== this.#meta.generation) throw new StoreError("fenced", "Another tab leads.");
	}
};
// src/tabs/candidate.ts
/** C14: stands for the one leadership of a store, which is a Web Lock, so that it ends with the tab. */
var Candidate = class {
	#locks;
	#name;
	#lead;
	#lost;
	#term = null;
	/** `lost` is called when another tab stole the lock. */
	constructor(locks, store, lead, lost) {
		this.#locks = locks;
		this.#name = `swain:${store}`;
		this.#lead = lead;
		this.#lost = lost;
	}
	/** Whether this tab stands or leads; false: it resigned, or the lock was stolen. */
	get stands() {
		return this.#term !== null;
	}
	/** Waits for the lock, or takes it from a leader that does not answer. */
	stand(how) {
		this.resign();
		const abort = new AbortController();
		let release = () => void 0;
		const released = new Promise((resolve) => {
			release = resolve;
		});
		const term = {
			abort,
			release
		};
		this.#term = term;
		const options = how === "steal" ? { steal: true } : { signal: abort.signal };
		const held = () => {
			if (this.#term !== term) return Promise.resolve();
			this.#lead();
			return released;
		};
		this.#locks.request(this.#name, {
			mode: "exclusive",
			...options
		}, held).catch(() => {
			if (this.#term === term) this.#lost();
		});
	}
	resign() {
		const term = this.#term;
		this.#term = null;
		term?.release();
		term?.abort.abort();
	}
};
// src/tabs/last-moment.ts
/**
* C28: edits whose strict write was running when the page went. A browser that freezes the page lets no transaction
* end, but localStorage takes a text at once; the next page of the store makes mutations of it, by their uids.
*/
var LastMoment = class {
	#storage;
	#name;
	constructor(storage, store) {
		this.#storage = storage;
		this.#name = `swain:unsaved:${store}`;
	}
	keep(entries) {
		if (entries.length > 0) this.#write([...this.#read(), ...entries]);
	}
	/** They are in the store after all. */
	forget(entries) {
		if (entries.length === 0) return;
		const uids = new Set(entries.map(({ uid }) => uid));
		this.#write(this.#read().filter(({ uid }) => !uids.has(uid)));
	}
	/** Returns whether the store has more than before. */
	async adopt(store) {
		const entries = this.#read();
		for (const entry of entries) await store.append(entry);
		this.forget(entries);
		return entries.length > 0;
	}
	#read() {
		try {
			return JSON.parse(this.#storage?.getItem(this.#name) ?? "[]");
		} catch {
			return [];
		}
	}
	#write(entries) {
		try {
			if (entries.length === 0) this.#storage?.removeItem(this.#name);
			else this.#storage?.setItem(this.#name, JSON.stringify(entries));
		} catch {}
	}
};
// src/engine/frame.ts
/** Throws a SwainError for what is no message of the protocol: the connection cannot be trusted further. */
function parseFrame(text) {
	const message = parseJson(text);
	if (!isObject(message)) throw bad("message");
	const [kind, ...others] = Object.keys(message);
	if (kind === void 0 || others.length > 0) throw bad("message");
	const body = message[kind];
	const number = isObject(body) ? optionalNumber(body.i, "i") : null;
	const decode = Object.hasOwn(DECODERS, kind) ? DECODERS[kind] : void 0;
	return {
		number,
		frame: decode === void 0 ? { kind: "ignored" } : decode(object(body, kind))
	};
}
var DECODERS = {
	welcome,
	load: (body) => ({
		kind: "load",
		shape: number(body.shape, "load.shape"),
		rows: list(body.rows, "load.rows").map((row) => object(row, "load.rows[]")),
		total: optionalNumber(body.total, "load.total"),
		token: optionalText(body.token, "load.token")
	}),
	load_changes: (body) => ({
		kind: "load_changes",
		rows: list(body.rows, "load_changes.rows").map(rowOp)
	}),
	load_end: (body) => ({
		kind: "load_end",
		shapes: list(body.shapes, "load_end.shapes").map((index) => number(index, "load_end.shapes[]")),
		...moved(body)
	}),
	changes: (body) => ({
		kind: "changes",
		rows: list(body.rows, "changes.rows").map(rowOp),
		aliases: aliases(body),
		...moved(body)
	}),
	caught_up: (body) => ({
		kind: "caught_up",
		...moved(body)
	}),
	heartbeat: (body) => ({
		kind: "heartbeat",
		expires: optionalNumber(body.expires, "expires"),
		...moved(body)
	}),
	results: (body) => ({
		kind: "results",
		results: list(body.results, "results.results").map(result),
		problem: body.problem === void 0 || body.problem === null ? null : problem(object(body.problem, "problem"))
	}),
	goaway: (body) => ({
		kind: "goaway",
		retry: optionalNumber(body.retry, "goaway.retry") ?? 0
	}),
	presence: (body) => ({
		kind: "presence",
		body
	}),
	problem: (body) => ({
		kind: "problem",
		problem: problem(body)
	})
};
function welcome(body) {
	const limits = isObject(body.limits) ? body.limits : {};
	return {
		kind: "welcome",
		epoch: text(body.epoch, "welcome.epoch"),
		now: number(body.now, "welcome.now"),
		heartbeat: number(body.heartbeat, "welcome.heartbeat"),
		expires: optionalNumber(body.expires, "welcome.expires"),
		shapes: list(body.shapes, "welcome.shapes").map((shape) => text(object(shape, "shape").state, "shape.state")),
		last: number(body.last, "welcome.last"),
		results: list(body.results ?? [], "welcome.results").map(result),
		aliases: aliases(body),
		schema: body.schema === void 0 || body.schema === null ? null : schema(body.schema),
		load: optionalText(body.load, "welcome.load"),
		limits: {
			pushMutations: optionalNumber(limits.push_mutations, "limits") ?? 50,
			pushBytes: optionalNumber(limits.push_bytes, "limits") ?? 1048576
		}
	};
}
/** V8. Each table must at least say its columns and key; the rest is taken as it comes. */
function schema(value) {
	const body = object(value, "schema");
	const tables = object(body.tables, "schema.tables");
	for (const table of Object.values(tables)) {
		const { columns, key } = object(table, "schema.tables[]");
		for (const column of Object.values(object(columns, "columns"))) text(object(column, "column").type, "type");
		for (const column of list(key, "key")) text(column, "key[]");
	}
	number(body.version, "schema.version");
	return body;
}
/** P25. */
function aliases(body) {
	return list(body.alias ?? [], "alias").map((value) => {
		const alias = object(value, "alias[]");
		return {
			n: number(alias.n, "alias.n"),
			table: text(alias.table, "alias.table"),
			from: list(alias.from, "alias.from"),
			to: list(alias.to, "alias.to")
		};
	});
}
function moved(body) {
	return {
		cursor: text(body.cursor, "cursor"),
		pos: number(body.pos, "pos"),
		tag: body.tag ?? null,
		acked: optionalNumber(body.acked, "acked") ?? 0
	};
}
function rowOp(value) {
	const operation = object(value, "row");
	const [kind = ""] = Object.keys(operation);
	const body = object(operation[kind], "row");
	const at = {
		table: text(body.table, "row.table"),
		key: list(body.key, "row.key")
	};
	const indexes = () => list(body.in, "row.in").map((index) => number(index, "row.in[]"));
	switch (kind) {
		case "put": return {
			kind,
			...at,
			in: indexes(),
			row: object(body.row, "put.row")
		};
		case "patch": return {
			kind,
			...at,
			in: indexes(),
			set: object(body.set, "patch.set")
		};
		case "remove": return {
			kind,
			...at
		};
		default: throw bad(`row.${kind}`);
	}
}
function result(value) {
	const body = object(value, "result");
	const code = optionalText(body.code, "result.code");
	return {
		n: number(body.n, "result.n"),
		status: text(body.status, "result.status"),
		...code === null ? {} : { code },
		...body.detail === void 0 ? {} : { detail: body.detail },
		...body.lost === void 0 ? {} : { lost: body.lost }
	};
}
function problem(body) {
	const code = text(body.code, "problem.code");
	return {
		code,
		title: typeof body.title === "string" ? body.title : code
	};
}
function object(value, place) {
	if (!isObject(value)) throw bad(place);
	return value;
}
function list(value, place) {
	if (!isArray(value)) throw bad(place);
	return value;
}
function text(value, place) {
	if (typeof value !== "string") throw bad(place);
	return value;
}
function number(value, place) {
	if (typeof value !== "number") throw bad(place);
	return value;
}
function optionalText(value, place) {
	return value === void 0 || value === null ? null : text(value, place);
}
function optionalNumber(value, place) {
	return value === void 0 || value === null ? null : number(value, place);
}
function bad(place) {
	return new SwainError("bad_frame", `The server sent something that is not in the protocol: ${place}.`, { at: place });
}
// src/engine/frame-batch.ts
/** P7. Null: the device has diverged. */
function changesBatch(replica, on, frame, now) {
	const draft = new RowDraft(replica.confirmed);
	for (const operation of frame.rows) if (!applyRowOp(draft, on, operation)) return null;
	const rows = [...orphanWrites(replica), ...draft.writes()];
	return {
		...movedBatch(replica, on, frame, now),
		rows,
		...aliasBatch(replica, frame.aliases)
	};
}
/** P25, C19: what is news of it, and what is forgotten for it. */
function aliasBatch(replica, told) {
	const news = told.filter((alias) => !replica.aliases.knows(alias));
	if (news.length === 0) return {};
	const next = new Aliases([...replica.aliases.all(), ...news]);
	return { aliases: [...news, ...next.surplus().map(voided)] };
}
/** P8, P9: the cursor and acked. C5: what no shape holds any longer goes with it. */
function movedBatch(replica, on, frame, now) {
	return {
		mark: {
			cursor: frame.cursor,
			pos: frame.pos,
			tag: frame.tag,
			epoch: on.epoch
		},
		rows: orphanWrites(replica),
		...ackedBatch(replica, frame.acked, now)
	};
}
/** P5: a chunk of a load, as staged rows. */
function loadPuts(replica, shape, table, rows) {
	const schema = tableOf(replica.meta.schema, table);
	return rows.map((row) => {
		const key = keyOf(row, schema);
		const text = keyText(key);
		return {
			table,
			key,
			keyText: text,
			row,
			in: union(replica.staging.row(table, text)?.in ?? [], [shape])
		};
	});
}
/**
* P5: the changes since the load began, over the staged rows.
* A patch or remove of a row that is not staged says nothing: its chunk was read after that change.
*/
function stageChanges(staging, on, rows) {
	const loading = {
		...on,
		live: new Set(on.shapes)
	};
	const draft = new RowDraft(staging);
	for (const operation of rows) applyRowOp(draft, loading, operation);
	for (const write of draft.writes()) staging.write(write);
}
/** P6: the staged rows of these shapes replace what these shapes held. */
function loadEndBatch(replica, on, frame, now) {
	const ended = new Set(shapesAt(on, frame.shapes));
	const draft = new RowDraft(replica.confirmed);
	for (const held of replica.confirmed.all()) if (held.in.some((id) => ended.has(id))) draft.put({
		...held,
		in: held.in.filter((id) => !ended.has(id))
	});
	const rest = [];
	for (const staged of replica.staging.all()) {
		const mine = staged.in.filter((id) => ended.has(id));
		const others = staged.in.filter((id) => !ended.has(id) && on.shapes.includes(id));
		if (mine.length > 0) {
			const held = replica.confirmed.row(staged.table, staged.keyText)?.in ?? [];
			draft.put({
				...staged,
				in: union(held.filter((id) => !ended.has(id)), mine)
			});
		}
		if (others.length > 0) rest.push({
			...staged,
			in: others
		});
	}
	const token = on.shapes.some((id) => !ended.has(id) && !on.live.has(id)) ? {} : { token: null };
	return {
		...movedBatch(replica, on, frame, now),
		rows: [...orphanWrites(replica), ...draft.writes()],
		staging: {
			clear: true,
			puts: rest,
			...token
		}
	};
}
/** P10: results drop nothing, but they are kept until acked says so. */
function resultsBatch(replica, results) {
	return { entries: results.flatMap((result) => {
		const entry = replica.outbox.entry(result.n);
		return entry === void 0 ? [] : [withResult(entry, result)];
	}) };
}
/** P9, C4: only this drops an overlay. */
function ackedBatch(replica, frameAcked, now) {
	const acked = Math.max(frameAcked, replica.meta.acked);
	return {
		acked,
		entries: replica.outbox.saved().filter((entry) => entry.n <= acked && entry.state.kind === "pending").map((entry) => acknowledged(entry, now)),
		gone: replica.outbox.expired(now)
	};
}
/** The highest acknowledged n up to which every result is known: what hello says, so that none is lost. */
function ackedWithResult(outbox, acked) {
	const missing = (entry) => entry.state.kind === "acked" && entry.state.result === null;
	const first = outbox.saved().find((entry) => entry.n > 0 && missing(entry));
	return first === void 0 ? acked : Math.min(acked, first.n - 1);
}
function shapesAt(on, indexes) {
	return indexes.flatMap((index) => on.shapes[index] ?? []);
}
/** False: a patch came for a row that is not there. */
function applyRowOp(draft, on, operation) {
	const text = keyText(operation.key);
	const { table, key } = operation;
	const held = draft.row(table, text);
	const others = held?.in.filter((id) => !on.live.has(id)) ?? [];
	switch (operation.kind) {
		case "put": {
			const shapes = union(others, shapesAt(on, operation.in));
			draft.put({
				table,
				key,
				keyText: text,
				row: operation.row,
				in: shapes
			});
			return true;
		}
		case "patch": {
			if (held === void 0 || !held.in.some((id) => on.live.has(id))) return false;
			const shapes = union(others, shapesAt(on, operation.in));
			draft.put({
				...held,
				row: {
					...held.row,
					...operation.set
				},
				in: shapes
			});
			return true;
		}
		case "remove":
			if (held !== void 0) draft.put({
				...held,
				in: others
			});
			return true;
		default: return operation;
	}
}
function orphanWrites(replica) {
	return replica.orphans.map(({ table, keyText }) => ({
		kind: "remove",
		table,
		keyText
	}));
}
function union(a, b) {
	return [.../* @__PURE__ */ new Set([...a, ...b])];
}
// src/engine/reconcile.ts
/** C10: what the highest n that the server knows says about this device. */
function reconcile(replica, last) {
	const { lastN, acked } = replica.meta;
	if (last > lastN) return {
		kind: "new_device",
		lostAbove: last
	};
	if (last >= acked) return { kind: "same" };
	const { lost, back } = lostAbove(replica.meta.schema, replica.aliases.all(), last);
	const entries = [];
	for (let n = last + 1; n <= lastN; n += 1) {
		const entry = replica.outbox.entry(n);
		if (entry === void 0) return {
			kind: "new_device",
			lostAbove: last
		};
		entries.push({
			...entry,
			ops: back(entry.ops),
			state: {
				kind: "pending",
				result: null
			}
		});
	}
	return {
		kind: "reopen",
		entries,
		acked: last,
		lost
	};
}
// src/engine/push.ts
/** C9: at once when nothing is in flight, at most so many; the next push after the results of the last. */
var Push = class {
	#limits;
	/** Everything up to here was answered, or is in flight. */
	#through;
	#inFlight = null;
	#pausedUntil = 0;
	#attempt = 0;
	constructor(last, limits) {
		this.#through = last;
		this.#limits = limits;
	}
	/** Nothing waits for its results. */
	get isIdle() {
		return this.#inFlight === null;
	}
	next(now, outbox, lastN) {
		if (this.#inFlight !== null || now < this.#pausedUntil) return { kind: "nothing" };
		const mutations = [];
		let bytes = FRAME_BYTES;
		for (let n = this.#through + 1; n <= lastN && mutations.length < this.#limits.pushMutations; n += 1) {
			const entry = outbox.entry(n);
			if (entry === void 0) {
				if (mutations.length === 0) return { kind: "hole" };
				break;
			}
			const wire = wireOf(entry, n);
			bytes += byteLength(canonical(wire)) + 1;
			if (mutations.length > 0 && bytes > this.#limits.pushBytes) break;
			mutations.push(wire);
		}
		if (mutations.length === 0) return { kind: "nothing" };
		this.#inFlight = { from: this.#through + 1 };
		this.#through += mutations.length;
		return {
			kind: "send",
			mutations
		};
	}
	/** P10. What was not attempted is sent again; a problem that is not known by name is taken for a transient one. */
	handleResults(now, results, problem, delay) {
		const from = this.#inFlight?.from ?? this.#through + 1;
		const answered = Math.max(from - 1, ...results.map((result) => result.n));
		this.#inFlight = null;
		const isComplete = answered >= this.#through;
		this.#through = answered;
		const decided = problem === null ? null : decidedBy(problem);
		if (decided !== null) return decided;
		if (problem === null && (isComplete || results.length > 0)) {
			this.#attempt = 0;
			return { kind: "go_on" };
		}
		this.#pausedUntil = now + Math.max(PAUSE_MIN_MS, backoffMs(this.#attempt, delay.firstMs, delay.random()));
		this.#attempt += 1;
		return {
			kind: "pause",
			until: this.#pausedUntil
		};
	}
};
/** P19: results that take longer do not come any more. */
var RESULTS_MS = 3e4;
var FRAME_BYTES = 25;
var PAUSE_MIN_MS = 50;
/** Null: the same again after a pause. */
function decidedBy(problem) {
	switch (problem.code) {
		case "mutation_gap": return {
			kind: "drop",
			problem
		};
		case "mutation_mismatch": return { kind: "new_device" };
		case "device_not_yours": return {
			kind: "stop",
			problem
		};
		default: return null;
	}
}
function wireOf(entry, n) {
	return entryToWire({
		...entry,
		n
	});
}
// src/engine/stream.ts
/** C8: without a byte for so many heartbeats the stream is dead. */
var HEARTBEATS = 2.5;
var DIVERGED = {
	code: "diverged",
	title: "The local copy has to be loaded anew."
};
/** P3: a new token is asked for this long before the old one ends. */
var RENEW_MS = 6e4;
/** One connection from welcome on: applies frames to the replica and pushes what is pending. */
var Stream = class {
	since;
	#parts;
	#replica;
	#heartbeat;
	#push;
	#on;
	/** C7: no frame of this connection may be below. */
	#floor;
	#isLive = false;
	#loading;
	#reread = "no";
	/** P4. `decided`: what welcome.last said about this device. */
	constructor(now, parts, frame, decided) {
		const { replica, shapes } = parts;
		const ids = shapes.map(shapeId);
		const live = new Set(ids.filter((_id, i) => frame.shapes[i] === "live"));
		const { mark, schema, loadToken } = replica.meta;
		const isHonoured = mark !== null && mark.epoch === frame.epoch && (live.size > 0 || ids.length === 0);
		this.since = now;
		this.#parts = parts;
		this.#replica = replica;
		this.#heartbeat = frame.heartbeat;
		this.#push = new Push(frame.last, frame.limits);
		this.#on = {
			epoch: frame.epoch,
			shapes: ids,
			live
		};
		this.#floor = isHonoured ? mark.pos : null;
		const isNewSchema = frame.schema !== null && !equalJson(schema, frame.schema);
		const hasStaging = loadToken !== null || replica.staging.size > 0;
		const startsOver = frame.load !== "resume" && hasStaging;
		this.#persist({
			offset: frame.now - now,
			...frame.schema !== null && isNewSchema ? { schema: frame.schema } : {},
			...startsOver ? { staging: {
				clear: true,
				puts: [],
				token: null
			} } : {},
			...decided.kind === "reopen" ? {
				entries: decided.entries,
				acked: decided.acked,
				aliases: decided.lost.map(voided)
			} : {}
		});
		const told = aliasBatch(replica, frame.aliases);
		if (told.aliases !== void 0) this.#persist(told);
		this.#persistResults(frame.results);
		this.#loading = live.size < ids.length ? {
			done: replica.staging.size,
			total: 0
		} : null;
		this.#renewAt(now, frame.expires);
	}
	get isLive() {
		return this.#isLive;
	}
	/** No push waits for its results. */
	get isIdle() {
		return this.#push.isIdle;
	}
	get loading() {
		return this.#loading;
	}
	/** C8: when it is dead if not a byte comes. */
	deadAt(lastByte) {
		return lastByte + HEARTBEATS * this.#heartbeat;
	}
	/** Throws a SwainError when the server breaks the protocol. */
	handle(now, frame) {
		switch (frame.kind) {
			case "load": return this.#load(frame);
			case "load_changes":
				stageChanges(this.#replica.staging, this.#on, frame.rows);
				return { kind: "go_on" };
			case "load_end":
				this.#checkPos(frame.pos, "equal");
				return this.#loadEnd(now, frame);
			case "changes":
				this.#checkPos(frame.pos, "greater");
				return this.#changes(now, frame);
			case "caught_up":
				this.#checkPos(frame.pos, "equal");
				this.#isLive = true;
				this.#moved(now, movedBatch(this.#replica, this.#on, frame, now));
				return { kind: "caught_up" };
			case "heartbeat":
				this.#checkPos(frame.pos, "equal");
				this.#renewAt(now, frame.expires);
				return this.#moved(now, movedBatch(this.#replica, this.#on, frame, now));
			case "results": return this.#results(now, frame);
			default: return frame;
		}
	}
	/** Storage was read again. */
	handleHydrated(now) {
		if (this.#reread === "asked") this.#reread = "done";
		return this.pump(now);
	}
	/** C9. */
	pump(now) {
		const next = this.#push.next(now, this.#replica.outbox, this.#replica.meta.lastN);
		switch (next.kind) {
			case "nothing":
				this.#reread = "no";
				return { kind: "go_on" };
			case "send":
				this.#reread = "no";
				this.#parts.emit({
					kind: "send",
					text: JSON.stringify({ push: { mutations: next.mutations } })
				});
				this.#timer("results", now + RESULTS_MS);
				return { kind: "go_on" };
			case "hole": return this.#handleHole();
			default: return next;
		}
	}
	/** Not in storage either: it is lost, and what comes behind can only go under a new device id. */
	#handleHole() {
		if (this.#reread === "done") return {
			kind: "new_device",
			lostAbove: this.#replica.meta.acked
		};
		if (this.#reread === "no") this.#parts.emit({ kind: "reread" });
		this.#reread = "asked";
		return { kind: "go_on" };
	}
	/** P5. */
	#load(frame) {
		const shape = this.#parts.shapes[frame.shape];
		const id = this.#on.shapes[frame.shape];
		if (shape === void 0 || id === void 0 || this.#on.live.has(id)) throw outOfPlace("load");
		const puts = loadPuts(this.#replica, id, shape.table, frame.rows);
		const token = frame.token === null ? {} : { token: frame.token };
		this.#persist({ staging: {
			clear: false,
			puts,
			...token
		} });
		const done = (this.#loading?.done ?? 0) + frame.rows.length;
		this.#loading = {
			done,
			total: Math.max(done, frame.total ?? this.#loading?.total ?? 0)
		};
		return { kind: "go_on" };
	}
	/** P6. */
	#loadEnd(now, frame) {
		const batch = loadEndBatch(this.#replica, this.#on, frame, now);
		const live = /* @__PURE__ */ new Set([...this.#on.live, ...shapesAt(this.#on, frame.shapes)]);
		this.#on = {
			...this.#on,
			live
		};
		if (live.size >= this.#on.shapes.length) this.#loading = null;
		return this.#moved(now, batch);
	}
	/** P7. When diverged: again without a cursor; the rows stay visible until the load replaces them. */
	#changes(now, frame) {
		const batch = changesBatch(this.#replica, this.#on, frame, now);
		if (batch !== null) return this.#moved(now, batch);
		this.#persist({
			mark: null,
			staging: {
				clear: true,
				puts: [],
				token: null
			}
		});
		return {
			kind: "drop",
			problem: DIVERGED
		};
	}
	/** P10. */
	#results(now, frame) {
		this.#timer("results", null);
		this.#persistResults(frame.results);
		const verdict = this.#push.handleResults(now, frame.results, frame.problem, this.#parts.delay);
		switch (verdict.kind) {
			case "go_on": {
				const next = this.pump(now);
				return next.kind === "go_on" && frame.problem === null ? { kind: "answered" } : next;
			}
			case "pause":
				this.#timer("push", verdict.until);
				return {
					kind: "pause",
					problem: frame.problem
				};
			case "new_device": return {
				kind: "new_device",
				lostAbove: this.#replica.meta.lastN
			};
			case "drop":
			case "stop": return verdict;
			default: return verdict;
		}
	}
	#moved(now, batch) {
		this.#floor = batch.mark?.pos ?? this.#floor;
		this.#persist(this.#isLive ? {
			...batch,
			lastSynced: now
		} : batch);
		return { kind: "go_on" };
	}
	#persistResults(results) {
		const batch = resultsBatch(this.#replica, results);
		if (batch.entries !== void 0 && batch.entries.length > 0) this.#persist(batch);
	}
	#persist(batch) {
		const before = this.#replica.meta.mark;
		const change = this.#replica.apply(batch);
		const after = this.#replica.meta.mark;
		const moved = after !== null && (before?.pos !== after.pos || before.epoch !== after.epoch);
		this.#parts.emit({
			kind: "persist",
			batch,
			change,
			moved
		});
	}
	#checkPos(pos, allowed) {
		if (this.#floor === null || pos > this.#floor || allowed === "equal" && pos === this.#floor) return;
		throw new SwainError("position_went_back", `The server sent position ${pos} after ${this.#floor}.`);
	}
	/** P3. */
	#renewAt(now, expires) {
		if (expires === null) return;
		const ends = expires - this.#replica.meta.offset;
		this.#timer("token", Math.max(now, ends - RENEW_MS));
	}
	#timer(timer, at) {
		this.#parts.emit({
			kind: "timer",
			timer,
			at
		});
	}
};
function outOfPlace(kind) {
	return new SwainError("bad_frame", `The server sent ${kind} where it does not belong.`);
}
// src/engine/session.ts
/** No open socket, or no welcome, after this long: the attempt is dead. */
var GREETING_MS = 2e4;
/**
* The connection of one leader, without a socket:
*
*   idle ─start→ connecting ─opened→ greeting ─welcome→ open ─caught_up→ open (live)
*     ↑            ↑ ↑                  │                │         given_up ←─ the attempts are used up
*   pause          │ └──── rewriting ←──┴─ new device ───┤
*                  └─timer, wake── waiting ←─ closed ────┤        stopped ←─ 4403, second 4401
*                                     ↑── recovering ←───┘   resting: current; connects when due, or asked
*/
var Session = class {
	#replica;
	#shapes;
	#reconnect;
	#random;
	#pace;
	#phase = { kind: "idle" };
	#outputs = [];
	#attempt = 0;
	/** Attempts in a row without a welcome. */
	#unanswered = 0;
	#lastByte = 0;
	/** P19: how many numbered frames came on this connection. */
	#frames = 0;
	#goawayMs = null;
	#tokenRefreshed = false;
	#paused = false;
	#isHidden = false;
	/** When edits that may wait go out; null: none waits. */
	#pushAt = null;
	#cached = true;
	#problem = null;
	#syncs = [];
	/** `random` gives numbers in [0, 1); with the same ones and the same inputs the outputs are the same. */
	constructor(replica, shapes, reconnect, random, pace = new Pace()) {
		this.#replica = replica;
		this.#pace = pace;
		this.#shapes = shapes;
		this.#reconnect = reconnect;
		this.#random = random;
	}
	get status() {
		const loading = this.#phase.kind === "open" ? this.#phase.stream.loading : null;
		return {
			state: this.#state(),
			cached: this.#cached,
			loading,
			problem: this.#problem,
			paused: this.#paused
		};
	}
	handle(now, input) {
		this.#outputs = [];
		switch (input.kind) {
			case "start":
			case "resume":
				this.#paused = false;
				this.#resume(now);
				break;
			case "pause":
				this.#paused = true;
				this.#leave({ kind: "idle" });
				break;
			case "opened":
				if (this.#phase.kind === "connecting") this.#hello(now, input.token);
				break;
			case "frame":
				this.#handleText(now, input.text);
				break;
			case "closed":
				this.#handleClosed(now, input.code);
				break;
			case "signed_out":
				this.#stop(input.code, input.title);
				break;
			case "timer":
				this.#handleTimer(now, input.timer);
				break;
			case "wake":
				this.#handleWake(now);
				break;
			case "saved":
				this.#handleSaved(now);
				break;
			case "hidden":
				this.#timer("hidden", this.#pace.restsHidden ? now + HIDDEN_MS : null);
				break;
			case "token":
				if (this.#phase.kind === "open") this.#send({ auth: { token: input.token } });
				break;
			case "say":
				if (this.#phase.kind === "open") this.#send({ presence: input.body });
				break;
			case "sync":
				this.#handleSync(now, input.id);
				break;
			case "hydrated":
				this.#handleHydrated(now);
				break;
			case "storage_failed":
				this.#problem = {
					code: input.code,
					title: input.title
				};
				if (this.#isTrying()) this.#leave({ kind: "recovering" });
		}
		return this.#outputs;
	}
	#resume(now) {
		const { kind } = this.#phase;
		this.#unanswered = 0;
		if (kind === "idle" || kind === "stopped" || kind === "given_up" || kind === "resting") this.#connect(now);
	}
	#connect(now, fresh = false) {
		this.#goawayMs = null;
		this.#unanswered += 1;
		this.#phase = { kind: "connecting" };
		this.#outputs.push({
			kind: "connect",
			fresh
		});
		this.#timer("reconnect", null);
		this.#timer("watchdog", now + GREETING_MS);
	}
	/** P1. */
	#hello(now, token) {
		const { device, mark, acked, loadToken, schema } = this.#replica.meta;
		this.#phase = { kind: "greeting" };
		this.#lastByte = now;
		this.#frames = 0;
		this.#timer("watchdog", now + GREETING_MS);
		this.#send({ hello: {
			protocol: 1,
			token,
			device,
			cursor: mark?.cursor ?? null,
			acked: ackedWithResult(this.#replica.outbox, acked),
			shapes: this.#shapes.map(shapeToJson),
			load: loadToken,
			schema: mark === null ? 0 : schema?.version ?? 0
		} });
	}
	#handleClosed(now, code) {
		if (!this.#isConnected()) return;
		if (code === 4403) return this.#stop(this.#problem?.code ?? "forbidden", this.#problem?.title ?? "Forbidden");
		if (code !== 4401) return this.#wait(now, code === 1013);
		if (this.#tokenRefreshed) return this.#stop("auth_expired", "The sign-in has expired.");
		this.#tokenRefreshed = true;
		this.#reset({ kind: "idle" });
		this.#connect(now, true);
	}
	/** Ends a connection that cannot be trusted any longer; the next one resumes. */
	#drop(now, cause) {
		if (!this.#isConnected()) return;
		this.#outputs.push({
			kind: "close",
			code: 1e3,
			cause
		});
		this.#wait(now, false);
	}
	/** C8. */
	#wait(now, overloaded) {
		if (this.#phase.kind === "open" && now - this.#phase.stream.since >= 3e4) this.#attempt = 0;
		if (this.#unanswered >= this.#reconnect.attemptsMax) return this.#giveUp();
		const { firstMs } = this.#reconnect;
		const jitter = backoffMs(this.#attempt, firstMs, this.#random());
		const delay = this.#goawayMs ?? (overloaded ? Math.max(firstMs, jitter) : jitter);
		const held = this.#goawayMs !== null || overloaded;
		this.#attempt += 1;
		this.#reset({
			kind: "waiting",
			held
		});
		this.#failSyncs();
		this.#timer("reconnect", now + delay);
	}
	#giveUp() {
		const title = `The server was not reached in ${this.#unanswered} attempts.`;
		this.#problem = {
			code: "attempts_used_up",
			title
		};
		this.#leave({ kind: "given_up" });
	}
	#stop(code, title) {
		this.#problem = {
			code,
			title
		};
		this.#leave({ kind: "stopped" });
	}
	#leave(phase) {
		if (this.#isConnected()) this.#outputs.push({
			kind: "close",
			code: 1e3,
			cause: "left"
		});
		this.#reset(phase);
		if (phase.kind !== "rewriting") this.#failSyncs();
	}
	#reset(phase) {
		this.#phase = phase;
		this.#pushAt = null;
		for (const timer of [
			"reconnect",
			"watchdog",
			"push",
			"results",
			"token"
		]) this.#timer(timer, null);
	}
	#handleTimer(now, timer) {
		switch (timer) {
			case "reconnect":
				if (this.#phase.kind === "waiting" || this.#phase.kind === "resting") this.#connect(now);
				return;
			case "hidden":
				this.#isHidden = true;
				return this.#handleHidden(now);
			case "watchdog": return this.#watch(now);
			case "push":
				this.#pushAt = null;
				if (this.#phase.kind === "open") this.#follow(now, this.#phase.stream.pump(now));
				return;
			case "results": return this.#drop(now, "dead");
			case "token":
				if (this.#phase.kind === "open") this.#outputs.push({ kind: "token" });
				return;
		}
	}
	#watch(now) {
		if (this.#phase.kind !== "open") return this.#drop(now, "dead");
		const dead = this.#phase.stream.deadAt(this.#lastByte);
		if (now >= dead) this.#drop(now, "dead");
		else this.#timer("watchdog", dead);
	}
	#handleWake(now) {
		this.#isHidden = false;
		this.#timer("hidden", null);
		if (this.#phase.kind === "resting") this.#restUntil(now, this.#nextLook(this.#replica.meta.lastSynced ?? 0));
		if (this.#phase.kind === "open" && now >= this.#phase.stream.deadAt(this.#lastByte)) {
			this.#drop(now, "dead");
			this.#connect(now);
		} else if (this.#phase.kind === "waiting" && !this.#phase.held) this.#connect(now);
	}
	#handleHydrated(now) {
		switch (this.#phase.kind) {
			case "rewriting": {
				const through = this.#replica.meta.lastN;
				this.#syncs = this.#syncs.map(({ id }) => ({
					id,
					through
				}));
				return this.#connect(now);
			}
			case "recovering": return this.#wait(now, false);
			case "open": return this.#follow(now, this.#phase.stream.handleHydrated(now));
			case "idle":
			case "waiting":
			case "given_up":
			case "connecting":
			case "greeting":
			case "resting":
			case "stopped": return;
			default: this.#phase;
		}
	}
	#handleText(now, text) {
		if (this.#phase.kind !== "greeting" && this.#phase.kind !== "open") return;
		this.#lastByte = now;
		try {
			this.#handleFrame(now, this.#nextFrame(text));
		} catch (error) {
			if (!(error instanceof SwainError)) throw error;
			this.#problem = {
				code: error.code,
				title: error.message
			};
			this.#drop(now, "dead");
		}
	}
	/** P19: what lies between device and server may lose, double or swap frames. */
	#nextFrame(text) {
		const { number, frame } = parseFrame(text);
		if (number === null) return frame;
		this.#frames += 1;
		if (number === this.#frames) return frame;
		throw new SwainError("frame_missing", `The server's frame ${number} came as number ${this.#frames}.`);
	}
	#handleFrame(now, frame) {
		switch (frame.kind) {
			case "ignored": return;
			case "presence":
				this.#outputs.push({
					kind: "heard",
					body: frame.body
				});
				return;
			case "problem":
				this.#problem = frame.problem;
				if (frame.problem.code === "mutation_mismatch") this.#newDevice(this.#replica.meta.lastN);
				return;
			case "goaway":
				this.#goawayMs = frame.retry;
				return;
			case "welcome":
				if (this.#phase.kind !== "greeting") throw outOfPlace(frame.kind);
				return this.#welcome(now, frame);
			default:
				if (this.#phase.kind !== "open") throw outOfPlace(frame.kind);
				return this.#follow(now, this.#phase.stream.handle(now, frame));
		}
	}
	/** P4, C10. */
	#welcome(now, frame) {
		this.#tokenRefreshed = false;
		this.#unanswered = 0;
		const decided = reconcile(this.#replica, frame.last);
		if (decided.kind === "new_device") return this.#newDevice(decided.lostAbove);
		const stream = new Stream(now, {
			replica: this.#replica,
			shapes: this.#shapes,
			delay: {
				firstMs: this.#reconnect.firstMs,
				random: this.#random
			},
			emit: (output) => void this.#outputs.push(output)
		}, frame, decided);
		this.#phase = {
			kind: "open",
			stream
		};
		this.#timer("watchdog", stream.deadAt(now));
		this.#follow(now, stream.pump(now));
	}
	#follow(now, verdict) {
		switch (verdict.kind) {
			case "go_on": break;
			case "caught_up":
				this.#cached = false;
				this.#problem = null;
				if (this.#reconnect.firstMs < 1e3) this.#attempt = 0;
				break;
			case "answered":
				this.#problem = null;
				break;
			case "pause":
				this.#problem = verdict.problem ?? this.#problem;
				break;
			case "drop":
				this.#problem = verdict.problem;
				return this.#drop(now, "left");
			case "stop": return this.#stop(verdict.problem.code, verdict.problem.title);
			case "new_device": return this.#newDevice(verdict.lostAbove);
		}
		this.#finishSyncs();
		this.#restWhenDone(now);
	}
	#newDevice(lostAbove) {
		this.#leave({ kind: "rewriting" });
		this.#outputs.push({
			kind: "rewrite",
			lostAbove
		});
	}
	/** When the server is to be asked again, after it was asked at `last`. */
	#nextLook(last) {
		if (this.#isHidden && this.#pace.restsHidden) return Number.POSITIVE_INFINITY;
		return last + this.#pace.freshnessMs(this.#shapes);
	}
	#restWhenDone(now) {
		if (this.#phase.kind !== "open" || !this.#phase.stream.isLive || !this.#phase.stream.isIdle) return;
		const next = this.#nextLook(now);
		if (next <= now || this.#syncs.length > 0 || this.#replica.outbox.pendingCount > 0) return;
		this.#leave({
			kind: "resting",
			due: next
		});
		this.#restUntil(now, next);
	}
	#restUntil(now, due) {
		if (due <= now) return this.#connect(now);
		this.#phase = {
			kind: "resting",
			due
		};
		this.#timer("reconnect", due === Number.POSITIVE_INFINITY ? null : due);
	}
	#handleHidden(now) {
		if (this.#phase.kind === "resting") this.#restUntil(now, Number.POSITIVE_INFINITY);
		else this.#restWhenDone(now);
	}
	/** An edit may wait for others, but never longer than the first of them. */
	#handleSaved(now) {
		const { kind } = this.#phase;
		if (kind !== "open" && kind !== "resting") return;
		const wait = this.#pace.throttleMs(this.#replica.outbox.pending());
		const at = Math.min(this.#pushAt ?? Number.POSITIVE_INFINITY, now + wait);
		if (this.#phase.kind === "resting") return this.#restUntil(now, Math.min(this.#phase.due, at));
		if (this.#phase.kind !== "open") return;
		this.#pushAt = at > now ? at : null;
		if (at > now) this.#timer("push", at);
		else this.#follow(now, this.#phase.stream.pump(now));
	}
	#handleSync(now, id) {
		this.#syncs.push({
			id,
			through: this.#replica.meta.lastN
		});
		if (this.#phase.kind === "open" && this.#pushAt !== null) this.#handleTimer(now, "push");
		const { kind } = this.#phase;
		if (kind === "idle" || kind === "stopped" || this.#isHeld()) return this.#failSyncs();
		if (kind === "waiting" || kind === "resting") this.#connect(now);
		if (kind === "given_up") this.#resume(now);
		this.#finishSyncs();
	}
	#finishSyncs() {
		if (this.#phase.kind !== "open" || !this.#phase.stream.isLive) return;
		const { acked } = this.#replica.meta;
		for (const { id } of this.#syncs.filter((sync) => sync.through <= acked)) this.#outputs.push({
			kind: "synced",
			id,
			error: null
		});
		this.#syncs = this.#syncs.filter((sync) => sync.through > acked);
	}
	#failSyncs() {
		for (const { id } of this.#syncs) this.#outputs.push({
			kind: "synced",
			id,
			error: "offline"
		});
		this.#syncs = [];
	}
	#send(message) {
		this.#outputs.push({
			kind: "send",
			text: JSON.stringify(message)
		});
	}
	#timer(timer, at) {
		this.#outputs.push({
			kind: "timer",
			timer,
			at
		});
	}
	#isHeld() {
		return this.#phase.kind === "waiting" && this.#phase.held;
	}
	#isTrying() {
		const { kind } = this.#phase;
		return kind !== "idle" && kind !== "stopped" && kind !== "given_up";
	}
	#isConnected() {
		const { kind } = this.#phase;
		return kind === "connecting" || kind === "greeting" || kind === "open";
	}
	#state() {
		switch (this.#phase.kind) {
			case "idle":
			case "waiting":
			case "given_up":
			case "recovering": return "offline";
			case "connecting":
			case "greeting":
			case "rewriting": return "connecting";
			case "open": return this.#phase.stream.isLive ? "live" : "syncing";
			case "resting": return "resting";
			case "stopped": return "stopped";
			default: return this.#phase;
		}
	}
};
// src/tabs/leader.ts
/** Carries out what the session asks for: sockets, timers, writes in order. Decides nothing. */
var Leader = class {
	#parts;
	#events;
	#session;
	#timers = /* @__PURE__ */ new Map();
	#inputs = [];
	#isHandling = false;
	#connection = null;
	/** Events of an earlier connection are not heard. */
	#attempt = 0;
	#writes = Promise.resolve();
	/** After a failed write the ones behind it would leave a hole. */
	#run = 0;
	#term = "leading";
	#told = "";
	constructor(parts, events) {
		this.#parts = parts;
		this.#events = events;
		const { replica, shapes, reconnect, environment, pace } = parts;
		this.#session = new Session(replica, shapes, reconnect, () => environment.random(), pace);
	}
	get generation() {
		return this.#parts.generation;
	}
	get status() {
		const { status } = this.#session;
		const isWelcomed = status.state === "syncing" || status.state === "live";
		return {
			...status,
			transport: isWelcomed ? this.#connection?.kind ?? null : null
		};
	}
	handle(input) {
		this.#inputs.push(input);
		if (this.#isHandling) return;
		this.#isHandling = true;
		try {
			for (let next = this.#inputs.shift(); next !== void 0; next = this.#inputs.shift()) {
				if (this.#term === "ended") continue;
				for (const output of this.#session.handle(this.#parts.environment.now(), next)) this.#perform(output);
			}
		} finally {
			this.#isHandling = false;
		}
		this.#tellStatus();
	}
	announce() {
		const { status } = this;
		this.#enqueue(async () => this.#events.announce(status));
	}
	/** Closes the connection; resolves when what was under way is written. */
	end() {
		this.#term = "ending";
		this.handle({ kind: "pause" });
		this.#term = "ended";
		return this.#writes;
	}
	#perform(output) {
		switch (output.kind) {
			case "connect":
				this.#connect(output.fresh);
				return;
			case "send":
				this.#parts.debug(`> ${output.text}`);
				this.#connection?.send(output.text);
				return;
			case "close": return this.#close(output.code, output.cause);
			case "persist":
				this.#events.changed(output.change, output.batch, output.moved);
				return this.#write(output.batch);
			case "rewrite": return this.#rewrite(output.lostAbove);
			case "reread": return this.#enqueue(async () => {
				await this.#events.rereadOutbox();
				this.handle({ kind: "hydrated" });
			});
			case "timer": return this.#setTimer(output.timer, output.at);
			case "token":
				this.#renew();
				return;
			case "heard": return this.#events.heard(output.body);
			case "synced": return this.#events.synced(output.id, output.error);
		}
	}
	async #connect(fresh) {
		this.#close(1e3, "left");
		const attempt = this.#attempt;
		const isCurrent = () => attempt === this.#attempt && this.#term === "leading";
		let token;
		try {
			token = await this.#parts.token(fresh);
		} catch (error) {
			if (isCurrent()) this.#handleNoToken(error);
			return;
		}
		if (!isCurrent()) return;
		this.#connection = this.#parts.transport.open({
			opened: () => {
				if (isCurrent()) this.handle({
					kind: "opened",
					token
				});
			},
			frame: (text) => {
				if (!isCurrent()) return;
				this.#parts.debug(`< ${text}`);
				this.handle({
					kind: "frame",
					text
				});
			},
			closed: (code) => {
				if (!isCurrent()) return;
				this.#parts.debug(`closed ${code}`);
				this.#connection = null;
				this.#attempt += 1;
				this.handle({
					kind: "closed",
					code
				});
			}
		});
	}
	#handleNoToken(error) {
		if (error instanceof SwainError && error.code === "offline") return this.handle({
			kind: "closed",
			code: CLOSED_ABNORMALLY
		});
		const code = error instanceof SwainError ? error.code : "signed_out";
		this.handle({
			kind: "signed_out",
			code,
			title: error instanceof Error ? error.message : String(error)
		});
	}
	/** When it fails the stream ends with its token, and the way of 4401 tells. */
	async #renew() {
		try {
			const token = await this.#parts.token(true);
			if (token !== null) this.handle({
				kind: "token",
				token
			});
		} catch (error) {
			this.#parts.debug(`no new token: ${String(error)}`);
		}
	}
	#close(code, cause) {
		this.#attempt += 1;
		const connection = this.#connection;
		this.#connection = null;
		connection?.close(code, cause);
	}
	#write(batch) {
		this.#enqueue(async () => {
			const number = await this.#parts.store.write(this.#parts.generation, batch);
			this.#events.persisted(number, batch);
		});
	}
	#rewrite(lostAbove) {
		this.#enqueue(async () => {
			const { store, generation, environment } = this.#parts;
			await store.rewrite(generation, environment.uuid(), lostAbove);
			await this.#events.reread();
			this.#events.rewritten();
			this.handle({ kind: "hydrated" });
		});
	}
	/** Storage work in order, one after the other. */
	#enqueue(work) {
		const run = this.#run;
		this.#writes = this.#writes.then(async () => {
			if (run !== this.#run) return;
			try {
				await work();
			} catch (error) {
				await this.#handleFailure(error);
			}
		});
	}
	/** Memory is ahead of storage now: go back to what is durable, and resume from there. */
	async #handleFailure(error) {
		this.#run += 1;
		if (this.#term !== "leading") return;
		this.#parts.debug(`storage: ${String(error)}`);
		if (error instanceof StoreError && error.kind === "fenced") return this.#events.lost(error);
		this.handle({
			kind: "storage_failed",
			...problemOf(error)
		});
		try {
			await this.#events.reread();
			this.handle({ kind: "hydrated" });
		} catch (again) {
			this.#events.lost(again);
		}
	}
	#setTimer(timer, at) {
		this.#timers.get(timer)?.();
		this.#timers.delete(timer);
		if (at === null) return;
		const { environment } = this.#parts;
		const stop = environment.setTimer(Math.max(0, at - environment.now()), () => {
			this.#timers.delete(timer);
			this.handle({
				kind: "timer",
				timer
			});
		});
		this.#timers.set(timer, stop);
	}
	#tellStatus() {
		const text = JSON.stringify(this.status);
		if (text === this.#told || this.#term !== "leading") return;
		this.#told = text;
		this.announce();
		this.#events.status();
	}
};
function problemOf(error) {
	if (!(error instanceof StoreError)) return {
		code: "storage_failed",
		title: String(error)
	};
	return {
		code: error.kind === "quota" ? "quota_exceeded" : "storage_failed",
		title: error.message
	};
}
// src/tabs/message.ts
/** A batch with more rows is not sent; the others read storage. */
var BATCH_ROWS_MAX = 2e3;
// src/tabs/tab.ts
/** After losing the leadership for another reason than another leader, wait before standing again. */
var STAND_AGAIN_MS = 5e3;
/** A visible follower asks the leader for a sign of life this often, and takes over after so many silences. */
var PROBE_MS = 1e4;
var SILENCES_MAX = 3;
/** More leaders than a tab can have missed since it read storage. */
var GENERATIONS_UNHEARD = 1e6;
var FOLLOWING = {
	state: "connecting",
	cached: true,
	loading: null,
	problem: null,
	paused: false,
	transport: null
};
/** One tab's part in a store: its memory copy, its own mutations, and, when it leads, the connection (C14). */
var Tab = class Tab {
	replica;
	temporaryIds;
	#parts;
	#events;
	#candidate;
	#lastMoment;
	#syncs = /* @__PURE__ */ new Map();
	#channel = null;
	#leader = null;
	#followed = FOLLOWING;
	#saving = Promise.resolve();
	/** Messages that arrive while storage is read again. */
	#held = null;
	#reading = Promise.resolve();
	#silences = 0;
	#stopTimer = () => void 0;
	#isClosed = false;
	/** Resolves when the rows that storage has are in memory. */
	static async open(parts, events) {
		const { environment, name, sharing } = parts;
		const early = [];
		const channel = sharing === "shared" ? environment.channel?.(`swain:${name}`) ?? null : null;
		if (channel !== null) channel.onmessage = ({ data }) => early.push(data);
		let stored = await parts.store.read();
		const lastMoment = new LastMoment(parts.store.isPersistent ? environment.localStorage : null, name);
		if (await lastMoment.adopt(parts.store)) stored = await parts.store.read();
		const ids = new TemporaryIds(await parts.store.reserve());
		const replica = new Replica(stored, parts.shapes.map(shapeId), parts.indexes);
		const tab = new Tab(parts, events, replica, channel, ids, lastMoment);
		for (const message of early) tab.#handle(message);
		tab.#begin();
		return tab;
	}
	constructor(parts, events, replica, channel, ids, lastMoment) {
		this.temporaryIds = ids;
		this.#lastMoment = lastMoment;
		this.#parts = parts;
		this.#events = events;
		this.replica = replica;
		this.#channel = channel;
		if (channel !== null) channel.onmessage = ({ data }) => this.#handle(data);
		const { locks } = parts.environment;
		const lead = () => void this.#lead();
		const lost = () => this.#stepDown(null);
		const isShared = parts.sharing === "shared" && locks !== null;
		this.#candidate = isShared ? new Candidate(locks, parts.name, lead, lost) : null;
	}
	get isLeader() {
		return this.#leader !== null;
	}
	get isPersistent() {
		return this.#parts.store.isPersistent;
	}
	get status() {
		return this.#leader?.status ?? this.#followed;
	}
	/** C2: visible when this returns; the promise is for the strict write. */
	mutate(uid, ops) {
		const { environment } = this.#parts;
		const { meta } = this.replica;
		const entry = {
			uid,
			n: null,
			base: meta.mark?.pos ?? 0,
			at: Math.round(environment.now() + meta.offset),
			schema: meta.schema?.version ?? 0,
			ops,
			state: {
				kind: "pending",
				result: null
			}
		};
		this.#tell(this.replica.putEntry(entry), [entry]);
		const saved = this.#saving.then(() => this.#save(entry));
		this.#saving = saved.catch(() => void 0);
		return saved;
	}
	async discard(n) {
		await this.#parts.store.remove(n);
		this.#tell(this.replica.removeEntry(n), []);
		this.#post({
			kind: "removed",
			n
		});
		this.#events.status();
	}
	async sync() {
		await this.#saving;
		const id = this.#parts.environment.uuid();
		const done = new Promise((resolve, reject) => this.#syncs.set(id, {
			resolve,
			reject
		}));
		if (this.#leader !== null) this.#leader.handle({
			kind: "sync",
			id
		});
		else this.#post({
			kind: "sync",
			id
		});
		return done;
	}
	/** Of the whole store, whichever tab leads. */
	switch(to) {
		if (to === "pause" || to === "resume") this.#followed = {
			...this.#followed,
			paused: to === "pause"
		};
		if (this.#leader !== null) this.#leader.handle({ kind: to });
		if (this.#leader === null || to === "hidden") this.#post({
			kind: "switch",
			to
		});
	}
	/** P28: by the connection of the store, whichever tab has it. */
	say(body) {
		const message = {
			kind: "say",
			body
		};
		if (this.#leader !== null) this.#leader.handle(message);
		else this.#post(message);
	}
	/** C25: of the whole store; edits go on meanwhile. Resolves when what leaves has left the screen. */
	setShapes(shapes) {
		this.#post({
			kind: "shapes",
			shapes
		});
		return this.#takeShapes(shapes);
	}
	/** Resolves when what was under way is in storage. */
	async close() {
		this.#isClosed = true;
		this.#stopTimer();
		for (const [id] of this.#syncs) this.#finishSync(id, "offline");
		const unsaved = this.replica.outbox.unsaved();
		this.#lastMoment.keep(unsaved);
		const leader = this.#leader;
		this.#leader = null;
		await Promise.all([leader?.end(), this.#saving]);
		this.#lastMoment.forget(unsaved);
		this.#candidate?.resign();
		this.#channel?.close();
		this.#channel = null;
		this.#parts.store.close();
	}
	#begin() {
		if (this.#candidate === null) {
			this.#lead();
			return;
		}
		this.#candidate.stand("wait");
		this.#post({
			kind: "ask",
			...this.#known()
		});
		this.#probe();
	}
	async #save(entry) {
		try {
			const saved = await this.#append(entry);
			this.#tell(this.replica.putEntry(saved), [saved]);
			this.#post({
				kind: "mutation",
				device: this.replica.meta.device,
				entry: saved
			});
			this.#leader?.handle({ kind: "saved" });
			return saved;
		} catch (error) {
			this.#tell(this.replica.removeUnsaved(entry.uid), []);
			const { code, title } = problemOf(error);
			throw new SwainError(code, title, null, error);
		}
	}
	/** C26: somebody cleared the storage: it is filled again first. */
	async #append(entry) {
		const { store } = this.#parts;
		try {
			return await store.append(entry);
		} catch (error) {
			if (!(error instanceof StoreError) || error.kind !== "emptied") throw error;
			await this.#reread();
			return store.append(entry);
		}
	}
	/** C14: raises the generation, catches up with storage, connects. */
	async #lead() {
		try {
			const { generation, number, device, lastN } = await this.#parts.store.lead();
			const { meta } = this.replica;
			if (!(number === meta.number && device === meta.device && lastN === meta.lastN)) await this.#reread();
			await this.#whenRead();
			if (this.#isClosed) return;
			const wasPaused = this.#followed.paused;
			this.#leader = new Leader({
				...this.#parts,
				generation,
				replica: this.replica
			}, this.#leaderEvents());
			this.#leader.handle({ kind: wasPaused ? "pause" : "start" });
			for (const id of [...this.#syncs.keys()]) this.#leader.handle({
				kind: "sync",
				id
			});
		} catch (error) {
			this.#stepDown(error);
		}
	}
	async #takeShapes(shapes) {
		this.#parts = {
			...this.#parts,
			shapes
		};
		this.replica.setShapes(shapes.map(shapeId));
		const leader = this.#leader;
		this.#leader = null;
		if (leader !== null) this.#followed = {
			...FOLLOWING,
			paused: leader.status.paused
		};
		await leader?.end();
		await this.#reread();
		const mayLead = this.#candidate?.stands ?? true;
		if (leader !== null && this.#leader === null && mayLead && !this.#isClosed) await this.#lead();
	}
	#leaderEvents() {
		return {
			changed: (change, batch, moved) => {
				const entries = batch.entries ?? [];
				if (moved || change.rows.length + change.aliases.length + entries.length > 0) this.#tell(change, entries, moved);
			},
			persisted: (number, batch) => {
				this.replica.noteNumber(number);
				const isLarge = (batch.rows?.length ?? 0) > BATCH_ROWS_MAX;
				this.#post(isLarge ? { kind: "reread" } : {
					kind: "batch",
					number,
					batch: {
						...batch,
						staging: void 0
					}
				});
			},
			status: () => this.#events.status(),
			announce: (status) => this.#post({
				kind: "status",
				status,
				...this.#known()
			}),
			synced: (id, error) => {
				if (this.#leader === null) return;
				this.#finishSync(id, error);
				this.#post({
					kind: "synced",
					id,
					error
				});
			},
			heard: (body) => {
				this.#post({
					kind: "heard",
					body
				});
				this.#events.heard(body);
			},
			reread: () => this.#reread(),
			rereadOutbox: () => this.#rereadOutbox(),
			rewritten: () => this.#post({ kind: "reread" }),
			lost: (error) => this.#stepDown(error)
		};
	}
	#stepDown(error) {
		const leader = this.#leader;
		this.#leader = null;
		leader?.end();
		this.#candidate?.resign();
		const problem = error === null ? null : problemOf(error);
		this.#followed = {
			...FOLLOWING,
			state: "offline",
			problem
		};
		this.#events.status();
		if (this.#isClosed) return;
		this.#stopTimer();
		this.#stopTimer = this.#parts.environment.setTimer(STAND_AGAIN_MS, () => {
			this.#reread().then(() => this.#begin(), (again) => this.#stepDown(again));
		});
	}
	#handle(message) {
		if (this.#isClosed) return;
		if (this.#held !== null) {
			this.#held.push(message);
			return;
		}
		switch (message.kind) {
			case "batch": return this.#handleBatch(message.number, message.batch);
			case "reread": return this.#leader === null ? this.#readAgain() : void 0;
			case "mutation": return this.#handleMutation(message.device, message.entry);
			case "removed": return this.#tell(this.replica.removeEntry(message.n), []);
			case "status":
				this.#silences = 0;
				this.#followed = message.status;
				this.#compare(message);
				return this.#events.status();
			case "ask":
				this.#compare(message);
				return this.#leader?.announce();
			case "sync": return this.#leader?.handle({
				kind: "sync",
				id: message.id
			});
			case "synced": return this.#finishSync(message.id, message.error);
			case "switch":
				if (message.to === "hidden") return this.#speakUp();
				return this.#leader?.handle({ kind: message.to });
			case "say": return this.#leader?.handle(message);
			case "heard": return this.#events.heard(message.body);
			case "shapes":
				this.#takeShapes(message.shapes).catch((error) => this.#stepDown(error));
				return;
		}
	}
	/** C27: some tab is hidden; this one may be seen. */
	#speakUp() {
		if (this.#parts.environment.page?.isVisible() ?? true) this.switch("wake");
		else this.#leader?.handle({ kind: "hidden" });
	}
	#handleBatch(number, batch) {
		const known = this.replica.meta.number;
		if (number <= known || this.#leader !== null) return;
		if (number > known + 1) return this.#readAgain();
		const before = this.replica.meta.mark;
		const change = this.replica.apply(batch);
		this.replica.noteNumber(number);
		const after = this.replica.meta.mark;
		const moved = before?.pos !== after?.pos || before?.epoch !== after?.epoch;
		this.#tell(change, batch.entries ?? [], moved);
	}
	#handleMutation(device, entry) {
		const { meta, outbox } = this.replica;
		const isGap = (entry.n ?? 0) > meta.lastN + 1 && outbox.unsaved().length === 0;
		if (device !== meta.device || isGap) return this.#readAgain();
		if ((entry.n ?? 0) > meta.acked && outbox.entry(entry.n ?? 0) === void 0) this.#tell(this.replica.putEntry(entry), [entry]);
		this.#leader?.handle({ kind: "saved" });
	}
	#known() {
		const { device, lastN, number } = this.replica.meta;
		return {
			device,
			lastN,
			number
		};
	}
	#compare(other) {
		const { device, lastN, number } = this.replica.meta;
		if (this.#leader === null && (other.device !== device || other.number > number) || other.lastN > lastN) this.#readAgain();
	}
	#readAgain() {
		(this.#leader !== null ? this.#rereadOutbox() : this.#reread()).then(() => this.#leader?.handle({ kind: "saved" }), (error) => this.#parts.debug(`storage: ${String(error)}`));
	}
	/** A leader's memory may be ahead of storage, so no reading of a follower may end after it begins to lead. */
	async #whenRead() {
		for (let reading = null; reading !== this.#reading;) {
			reading = this.#reading;
			await reading;
		}
	}
	async #rereadOutbox() {
		const stored = await this.#parts.store.readOutbox();
		this.#tell(this.replica.mergeOutbox(stored), []);
	}
	/** Storage is the truth; messages that come meanwhile wait. */
	#reread() {
		this.#held ??= [];
		this.#reading = this.#reading.catch(() => void 0).then(async () => {
			try {
				const stored = await this.#parts.store.read(this.#kept());
				const before = this.replica.meta.mark;
				const change = this.replica.rehydrate(stored);
				this.#tell(change, stored.outbox, before?.pos !== change.pos);
			} finally {
				const held = this.#held ?? [];
				this.#held = null;
				for (const message of held) this.#handle(message);
			}
		});
		return this.#reading;
	}
	/** C26: what is in memory, for a store that lost it. An earlier leader, which may be frozen, stays fenced. */
	#kept() {
		const { meta, confirmed, outbox, aliases } = this.replica;
		const generation = this.#leader?.generation ?? meta.generation + GENERATIONS_UNHEARD;
		return {
			meta: {
				...meta,
				generation,
				loadToken: null
			},
			rows: [...confirmed.all()],
			staging: [],
			outbox: outbox.saved(),
			aliases: aliases.all()
		};
	}
	/** Asks a leader that may be frozen; the fence keeps it harmless when it wakes up. */
	#probe() {
		this.#stopTimer();
		this.#stopTimer = this.#parts.environment.setTimer(PROBE_MS, () => {
			if (this.#isClosed || this.#leader !== null) return;
			if (this.#parts.environment.page?.isVisible() ?? true) this.#silences += 1;
			if (this.#silences > SILENCES_MAX) {
				this.#silences = 0;
				this.#candidate?.stand("steal");
			} else this.#post({
				kind: "ask",
				...this.#known()
			});
			this.#probe();
		});
	}
	#finishSync(id, error) {
		const waiting = this.#syncs.get(id);
		this.#syncs.delete(id);
		if (error === null) waiting?.resolve();
		else waiting?.reject(new SwainError(error, "The server was not reached."));
	}
	#tell(change, entries, moved = false) {
		if (!moved && change.rows.length + change.aliases.length + entries.length === 0) return;
		this.#events.changed(change, entries, moved);
	}
	#post(message) {
		this.#channel?.postMessage(message);
	}
};
// src/client/open.ts
/** C11: the store of one (server, user). Without IndexedDB, or without locks to share it safely, it is in memory. */
async function openTab(options, events) {
	const { environment, origin, userId } = options;
	const name = `${origin}:${userId === null ? "visitor" : `user:${userId}`}`;
	const { hasIndexedDB, locks, channel } = environment;
	if (!options.memory && hasIndexedDB && locks !== null && channel !== null) {
		const store = new IdbStore(`swain:${name}`, () => environment.uuid(), options.blocked);
		try {
			return await Tab.open(parts(options, name, store, "shared"), events);
		} catch (error) {
			store.close();
			if (error instanceof StoreError && error.kind === "newer") throw new SwainError("store_newer", "A newer version of this page has the data. Reload the page.", null, error);
			options.debug(`no storage, in memory instead: ${String(error)}`);
		}
	}
	return Tab.open(parts(options, name, new MemoryStore(environment.uuid()), "alone"), events);
}
function parts(options, name, store, sharing) {
	const { userId: _user, memory: _memory, blocked: _blocked, ...same } = options;
	return {
		...same,
		name,
		store,
		sharing
	};
}
// src/client/settlements.ts
/** The promises of this tab's mutations, whatever tab pushes them. */
var Settlements = class {
	#waiting = /* @__PURE__ */ new Map();
	mutation(uid, saving) {
		let n;
		const synced = new Promise((resolve, reject) => this.#waiting.set(uid, {
			resolve,
			reject
		}));
		const saved = saving.then((entry) => {
			n = entry.n ?? void 0;
		}, (error) => {
			this.#waiting.get(uid)?.reject(error);
			this.#waiting.delete(uid);
			throw error;
		});
		saved.catch(() => void 0);
		synced.catch(() => void 0);
		return {
			get n() {
				return n;
			},
			saved,
			synced
		};
	}
	handle(entries) {
		for (const { uid, state } of entries) {
			const waiting = this.#waiting.get(uid);
			if (waiting === void 0 || state.kind === "pending" || state.result === null) continue;
			this.#waiting.delete(uid);
			if (state.kind === "refused") waiting.reject(refusalOf(state.result));
			else waiting.resolve(state.result);
		}
	}
};
function refusalOf(result) {
	const code = result.code ?? "refused";
	return new SwainError(code, `The server refused the change: ${code}.`, result.detail ?? null);
}
// src/client/table.ts
/** Reading and changing one table. Every change is visible when the call returns. */
var Table = class {
	#name;
	#editing;
	constructor(name, editing) {
		this.#name = name;
		this.#editing = editing;
	}
	/**
	* A missing key column of type text gets a UUIDv7. In a table whose ids the server gives, a missing key becomes a
	* temporary, negative one, which goes on naming the row when the real one is known.
	* Throws `id_taken`, `unknown_column`, `wrong_type`, …
	*/
	insert(row) {
		return this.#inserted((draft) => draft.insert(this.#name, { ...row }));
	}
	/**
	* By a unique key of the table: changes the row that has these values in the columns `on`, here or on the server, or
	* makes a new one. Throws `not_unique`, `unknown_column`, `wrong_type`, …
	*/
	upsert(on, row) {
		return this.#inserted((draft) => draft.upsert(this.#name, on, { ...row }));
	}
	/** The key by which a row is known now: of a temporary key, the real one as soon as there is one. */
	resolve(key) {
		const replica = this.#editing.replica();
		const table = tableOf(replica.meta.schema, this.#name);
		return keyValue(replica.resolve(this.#name, toKey(table, this.#name, key)));
	}
	/**
	* Sets columns, or `{ set, inc, add, remove }` by column. Throws `row_gone` when the row is not here.
	* A table that has columns of just these names takes `{ set: … }` only.
	*/
	update(key, changes) {
		return this.#editing.edit((draft) => {
			const table = tableOf(this.#editing.replica().meta.schema, this.#name);
			draft.update(this.#name, toKey(table, this.#name, key), toChanges(changes));
		});
	}
	delete(key) {
		return this.#editing.edit((draft) => {
			const table = tableOf(this.#editing.replica().meta.schema, this.#name);
			draft.delete(this.#name, toKey(table, this.#name, key));
		});
	}
	/** The visible row; inside a group as the operations before left it. */
	get(key) {
		const replica = this.#editing.replica();
		if (replica.meta.schema?.tables[this.#name] === void 0) return void 0;
		const wire = toKey(tableOf(replica.meta.schema, this.#name), this.#name, key);
		const { draft } = this.#editing;
		const known = replica.resolve(this.#name, wire);
		return draft === null ? replica.row(this.#name, keyText(known)) : draft.row(this.#name, known) ?? void 0;
	}
	#inserted(change) {
		let key = [];
		const mutation = this.#editing.edit((draft) => {
			key = change(draft);
		});
		return {
			key: keyValue(key),
			get n() {
				return mutation.n;
			},
			get saved() {
				return mutation.saved;
			},
			get synced() {
				return mutation.synced;
			}
		};
	}
};
function keyValue(key) {
	const [only, ...others] = key;
	const isPlain = typeof only === "string" || typeof only === "number" || typeof only === "boolean";
	return others.length === 0 && isPlain ? only : key;
}
var CHANGE_NAMES = /* @__PURE__ */ new Set([
	"set",
	"inc",
	"add",
	"remove"
]);
function toChanges(given) {
	const members = Object.entries(given);
	if (members.length > 0 && members.every(([name, value]) => CHANGE_NAMES.has(name) && isObject(value))) return given;
	return { set: Object.fromEntries(members.filter(([, value]) => value !== void 0)) };
}
// src/client/client.ts
/** See README.md; everything is synchronous that can be. */
var Client = class {
	auth;
	/** Conflicts and refusals that wait for this person. */
	inbox;
	/** What scripts beside this one keep of a client, by their names. */
	addOns = /* @__PURE__ */ new Map();
	#status = new Signal(NO_STATUS);
	#refused = new Signal([]);
	#user;
	#environment;
	#options;
	#origin;
	#auth;
	#transport;
	#debug;
	#settlements = new Settlements();
	#lives = /* @__PURE__ */ new Set();
	#versions = /* @__PURE__ */ new Map();
	#source;
	#editing;
	#changeCalls = /* @__PURE__ */ new Set();
	#heardCalls = /* @__PURE__ */ new Set();
	#lineCalls = /* @__PURE__ */ new Set();
	#changes = [];
	#stops = [];
	#tab = null;
	#replica = null;
	#draft = null;
	#generation = 0;
	#opening = Promise.resolve();
	#shapes;
	#isStarted = false;
	#isTelling = false;
	constructor(options) {
		this.#options = options;
		this.#shapes = this.#withInbox(options.shapes);
		this.#environment = {
			...browserEnvironment(),
			...options.environment
		};
		this.#origin = (options.url ?? globalThis.location?.origin ?? "").replace(/\/+$/, "");
		const debug = debugOf(options.debug);
		this.#debug = (line) => {
			debug(line);
			for (const call of this.#lineCalls) call(line);
		};
		this.#transport = pickingTransport(this.#environment, this.#origin, options, this.#debug);
		this.#auth = new Auth(this.#environment, this.#origin, () => this.#handleUser());
		this.#user = new Signal(this.#auth.user);
		const client = this;
		this.#source = {
			get replica() {
				return client.#replica;
			},
			version: (table) => this.#generation + (this.#versions.get(table) ?? 0),
			watch: (live) => {
				this.#lives.add(live);
				return () => this.#lives.delete(live);
			},
			fresh: () => this.fresh()
		};
		this.#editing = {
			get draft() {
				return client.#draft;
			},
			replica: () => this.#replicaOrEmpty(),
			edit: (change) => this.#edit(change)
		};
		this.auth = {
			subscribe: this.#user.subscribe,
			getSnapshot: this.#user.getSnapshot,
			signup: (input) => this.#signIn(this.#auth.signup(input)),
			login: (input) => this.#signIn(this.#auth.login(input)),
			changePassword: (input) => this.#auth.changePassword(input),
			requestReset: (email) => this.#auth.requestReset(email),
			resetPassword: (input) => this.#signIn(this.#auth.resetPassword(input)),
			verify: (token) => this.#auth.verify(token ?? null),
			logout: (options) => this.#signOut(options?.everywhere === true)
		};
		this.inbox = this.#inbox();
	}
	#inbox() {
		const client = this;
		return new Inbox({
			rows: this.query(INBOX_TABLE),
			refused: this.#refused,
			get device() {
				return client.#replicaOrEmpty().meta.device;
			},
			group: (change) => this.group(change),
			set: (table, key, values) => void this.table(table).update(key, { set: values }),
			again: (ops) => {
				this.#edit((draft) => {
					for (const operation of ops) draft.again(operation);
				});
			},
			discard: (n) => this.discard(n)
		});
	}
	#withInbox(shapes) {
		const has = shapes.some(({ table }) => table === INBOX_TABLE);
		return this.#options.inbox === true && !has ? [...shapes, { table: INBOX_TABLE }] : shapes;
	}
	get status() {
		return this.#status;
	}
	get refused() {
		return this.#refused;
	}
	/** Resolves when what this device holds is visible, with or without a network. Rejects with `store_newer`. */
	start() {
		if (this.#isStarted) return this.#opening;
		this.#isStarted = true;
		const { page } = this.#environment;
		if (page !== null) this.#stops.push(page.onOnline(() => this.#transport.handleOnline()), page.onWake(() => this.#tab?.switch("wake")), page.onHidden(() => this.#tab?.switch("hidden")), page.onHide(() => void this.#closeTab()), page.onRestore(() => void this.#reopen()), page.onStored(this.#auth.storageName, () => this.#auth.handleStored()), page.offer(this));
		return this.#reopen();
	}
	table(name) {
		return new Table(name, this.#editing);
	}
	/**
	* Several operations as one mutation, all or nothing. `change` runs at once and must not be async.
	* `uid`: for what hands its edits over from a storage of its own; see `knows`.
	*/
	group(change, uid = this.#environment.uuid()) {
		if (this.#draft !== null) throw new SwainError("group_in_group", "A group cannot hold another.");
		return this.#edit((draft) => {
			this.#draft = draft;
			try {
				if (change() instanceof Promise) throw new SwainError("group_async", "The function of a group must not be async.");
			} finally {
				this.#draft = null;
			}
		}, uid);
	}
	/** Whether the outbox has a mutation of this uid; acknowledged ones stay for a day. */
	knows(uid) {
		return this.#replicaOrEmpty().outbox.knows(uid);
	}
	/** What the server has said of its tables; null before the first connection. */
	get schema() {
		return this.#replicaOrEmpty().meta.schema;
	}
	/** C19: a key for a new row of a table whose ids the server gives. */
	temporaryId() {
		return this.#started().temporaryIds.draw();
	}
	query(table, selection = {}) {
		return new LiveQuery(this.#source, table, selection);
	}
	/** One row, live; undefined while it is not here. */
	row(table, key) {
		return new LiveRow(this.#source, table, () => this.table(table).get(key));
	}
	/** How many rows there are, live; a limit does not count. */
	count(table, where = {}) {
		return new Derived(new LiveQuery(this.#source, table, { where }), (rows) => rows.length);
	}
	/** Resolves when this run has caught up with the server: what is shown is no longer old. */
	fresh() {
		return new Promise((resolve) => {
			let stop = () => void 0;
			const look = () => {
				if (this.#status.getSnapshot().cached) return;
				stop();
				resolve();
			};
			stop = this.#status.subscribe(look);
			look();
		});
	}
	/**
	* C25: what this store holds from now on, in all its tabs. What no shape holds any longer leaves the screen at once
	* and the device when the server has answered; edits of it are sent all the same.
	*/
	async setShapes(shapes) {
		this.#shapes = this.#withInbox(shapes);
		await this.#opening;
		await this.#started().setShapes(this.#shapes);
		this.#refreshStatus();
	}
	rowState(table, key) {
		const replica = this.#replicaOrEmpty();
		const schema = replica.meta.schema?.tables[table];
		if (schema === void 0) return "synced";
		return replica.rowState(table, keyText(replica.resolve(table, toKey(schema, table, key))));
	}
	/** C15: the same wish as a new mutation, based on what is visible now; `edit` may change its operations. */
	async retry(n, edit) {
		const entry = this.#tab?.replica.outbox.entry(n);
		if (entry?.state.kind !== "refused") throw new SwainError("not_refused", `There is no refused mutation ${n}.`);
		const ops = edit?.(entry.ops) ?? entry.ops;
		const mutation = this.#edit((draft) => {
			for (const operation of ops) draft.again(operation);
		});
		await mutation.saved;
		await this.discard(n);
		return mutation;
	}
	/** Gives a refused mutation up. */
	async discard(n) {
		const tab = this.#started();
		if (tab.replica.outbox.entry(n)?.state.kind !== "refused") throw new SwainError("not_refused", `There is no refused mutation ${n}.`);
		await tab.discard(n);
	}
	/** Pushes what waits and resolves when everything is current; rejects with `offline` when this attempt fails. */
	sync() {
		return this.#tab === null ? Promise.reject(new SwainError("offline", "The client is not started.")) : this.#tab.sync();
	}
	/** The network cable of this store, whichever tab is connected. */
	pause() {
		this.#tab?.switch("pause");
	}
	resume() {
		this.#tab?.switch("resume");
	}
	/** C13: once per applied position, in order, and for local edits. */
	onChange(call) {
		this.#changeCalls.add(call);
		return () => this.#changeCalls.delete(call);
	}
	/** P28: for `swain/presence`, which has the rooms. Lost while there is no stream. */
	say(body) {
		this.#tab?.say(body);
	}
	/** P28: what the server tells of others, in any tab of the store. */
	onHeard(call) {
		this.#heardCalls.add(call);
		return () => this.#heardCalls.delete(call);
	}
	/** For a developer's panel: what this tab holds now. */
	inspect() {
		return inspect(this.#replicaOrEmpty(), this.#shapes);
	}
	/** For a developer's panel: the lines of `debug`, from now on. */
	onLine(call) {
		this.#lineCalls.add(call);
		return () => this.#lineCalls.delete(call);
	}
	/** Resolves when what was under way is on the device. */
	async close() {
		for (const stop of this.#stops.splice(0)) stop();
		await this.#opening.catch(() => void 0);
		await this.#closeTab();
	}
	#handleUser() {
		this.#user.set(this.#auth.user);
		if (this.#isStarted) this.#reopen();
	}
	async #signIn(signing) {
		const user = await signing;
		await this.#opening;
		if (this.#tab?.status.state === "stopped") this.#tab.switch("resume");
		return user;
	}
	async #signOut(everywhere) {
		const unsent = this.#tab?.replica.outbox.pendingCount ?? 0;
		await this.#auth.logout(everywhere);
		await this.#opening;
		return { unsent };
	}
	#reopen() {
		const opening = this.#opening.catch(() => void 0).then(async () => {
			await this.#closeTab();
			const tab = await this.#open();
			this.#tab = tab;
			this.#replica = tab.replica;
			this.#refreshAll();
		});
		this.#opening = opening;
		opening.catch(() => void 0);
		return opening;
	}
	#open() {
		const { indexes = {}, firstDelayMs = FIRST_DELAY_MS, attempts = Number.POSITIVE_INFINITY, memory = false } = this.#options;
		const environment = this.#environment;
		const userId = this.#auth.user?.id ?? null;
		let replica = null;
		const isCurrent = () => replica === null || this.#replica === replica;
		const token = async (fresh) => {
			const answer = await this.#auth.token(fresh);
			if ((this.#auth.user?.id ?? null) !== userId) throw new SwainError("offline", "Somebody else signed in.");
			return answer;
		};
		return openTab({
			environment,
			origin: this.#origin,
			userId,
			memory,
			shapes: this.#shapes,
			indexes,
			reconnect: {
				firstMs: firstDelayMs,
				attemptsMax: attempts
			},
			pace: new Pace(this.#options),
			transport: this.#transport,
			token,
			blocked: () => this.#status.set({
				...this.#status.getSnapshot(),
				problem: BLOCKED
			}),
			debug: this.#debug
		}, {
			changed: (change, entries, moved) => {
				if (isCurrent()) this.#handleChange(change, entries, moved);
			},
			status: () => {
				if (isCurrent()) this.#refreshStatus();
			},
			heard: (body) => {
				if (isCurrent()) callAll(this.#heardCalls, body);
			}
		}).then((tab) => {
			replica = tab.replica;
			return tab;
		});
	}
	async #closeTab() {
		const tab = this.#tab;
		this.#tab = null;
		await tab?.close();
	}
	#started() {
		if (this.#tab === null) throw new SwainError("not_started", "Call start() first, and await it.");
		return this.#tab;
	}
	#replicaOrEmpty() {
		this.#replica ??= new Replica({
			meta: newMeta(""),
			rows: [],
			staging: [],
			outbox: []
		}, this.#shapes.map(shapeId));
		return this.#replica;
	}
	#edit(change, uid = this.#environment.uuid()) {
		if (this.#draft !== null) {
			change(this.#draft);
			return IN_GROUP;
		}
		const tab = this.#started();
		const environment = this.#environment;
		const newId = () => uuidV7(environment.now(), () => environment.random());
		const draft = new Draft(tab.replica, newId, () => tab.temporaryIds.draw());
		change(draft);
		const ops = draft.operations();
		return this.#settlements.mutation(uid, tab.mutate(uid, ops));
	}
	/** A callback may edit; what that changes is told after what is being told. */
	#handleChange(change, entries, moved) {
		const tables = new Set(change.rows.map((row) => row.table));
		for (const table of tables) this.#versions.set(table, (this.#versions.get(table) ?? 0) + 1);
		this.#settlements.handle(entries);
		if (moved || change.rows.length + change.aliases.length > 0) this.#changes.push(change);
		if (this.#isTelling) return;
		this.#isTelling = true;
		try {
			for (let next = this.#changes.shift(); next !== void 0; next = this.#changes.shift()) this.#tell(next);
		} finally {
			this.#isTelling = false;
		}
		this.#refreshStatus();
	}
	#tell(change) {
		const rows = /* @__PURE__ */ new Map();
		for (const row of change.rows) {
			const others = rows.get(row.table);
			if (others === void 0) rows.set(row.table, [row]);
			else others.push(row);
		}
		for (const live of [...this.#lives]) {
			const changed = rows.get(live.table);
			if (changed !== void 0) live.refresh(changed);
		}
		callAll(this.#changeCalls, change);
	}
	#refreshAll() {
		this.#generation += 1e9;
		for (const live of [...this.#lives]) live.refresh(null);
		this.#refreshStatus();
	}
	#refreshStatus() {
		const tab = this.#tab;
		if (tab === null) return;
		this.#status.set(statusOf(tab, this.#status.getSnapshot()));
		this.#refused.set(deadLettersOf(tab, this.#refused.getSnapshot()));
	}
};
var BLOCKED = {
	code: "storage_blocked",
	title: "Another tab has an older version of this page. Close it."
};
var REFERS_TO_GROUP = new SwainError("in_group", "Await the mutation that group() returns.");
var IN_GROUP = {
	n: void 0,
	get saved() {
		return Promise.reject(REFERS_TO_GROUP);
	},
	get synced() {
		return Promise.reject(REFERS_TO_GROUP);
	}
};
function debugOf(option) {
	if (typeof option === "function") return option;
	return option === true ? (line) => console.debug(`swain: ${line}`) : () => void 0;
}
function createClient(options) {
	return new Client(options);
}
export { Client, SwainError, Table, createClient };
