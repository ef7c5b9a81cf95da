import { createClient } from "./swain.js";
import { Dexie } from "dexie";
// src/engine/json.ts
function isObject(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
function isArray(value) {
	return Array.isArray(value);
}
// src/dexie/journal.ts
/** The store that the add-on adds to the database. Names that begin with $ are out of an application's way. */
var JOURNAL = "$swain";
/** A transaction with more changes than a mutation may hold becomes several. */
var OPERATIONS_MAX = 400;
/**
* Hands what is in the journal to the client, in order, each transaction as one mutation with the journal's uid, and
* takes it out when the client has saved it: a crash between the two hands it over again, and the uid tells.
* `isOpen`: the client's store is that of the person who is signed in. Returns the rows that were handed over.
*/
async function drain(journal, client, isOpen, refused) {
	const user = client.auth.getSnapshot()?.id ?? null;
	const keys = (await journal.toCollection().primaryKeys()).filter((n) => n > 0);
	const all = await journal.bulkGet([...keys]);
	const mine = keys.flatMap((n, i) => {
		const entry = all[i];
		return entry === void 0 || entry.user !== user ? [] : [{
			n,
			entry
		}];
	});
	while (mine.length > 0 && isOpen()) {
		const uid = mine[0]?.entry.uid;
		let count = mine.findIndex(({ entry }) => entry.uid !== uid);
		if (count < 0) count = mine.length;
		const part = mine.splice(0, Math.min(count, OPERATIONS_MAX));
		await handOver(client, part, refused);
		await journal.bulkDelete(part.map(({ n }) => n));
	}
	return all.filter((entry) => entry?.user === user).filter((entry) => entry !== void 0);
}
async function handOver(client, part, refused) {
	const entries = part.map(({ entry }) => entry).filter(({ table }) => client.schema?.tables[table] !== void 0);
	const [first] = part;
	if (entries.length === 0 || first === void 0) return;
	const uid = `${first.entry.uid}:${first.n}`;
	if (client.knows(uid)) return;
	try {
		await client.group(() => entries.forEach((entry) => void apply(client, entry)), uid).saved;
	} catch (error) {
		if (isTransient(error)) throw error;
		refused({
			error,
			entries
		});
	}
}
function apply(client, { table: name, key, kind, set }) {
	const table = client.table(name);
	const isHere = table.get(key) !== void 0;
	if (kind === "delete") {
		if (isHere) table.delete(key);
		return;
	}
	const known = client.schema?.tables[name];
	if (known === void 0) return;
	const writable = Object.fromEntries(Object.entries(set).filter(([column]) => {
		const schema = known.columns[column];
		return schema !== void 0 && schema.readonly !== true && !known.key.includes(column);
	}));
	if (isHere) {
		if (Object.keys(writable).length > 0) table.update(key, { set: writable });
		return;
	}
	if (kind === "update") return;
	const keys = Array.isArray(key) ? key : [key];
	table.insert({
		...writable,
		...Object.fromEntries(known.key.map((column, i) => [column, keys[i]]))
	});
}
function isTransient(error) {
	const code = isObject(error) ? error.code : null;
	return code === "quota_exceeded" || code === "storage_failed" || code === "not_started";
}
// src/dexie/values.ts
/** What goes up. Members that JSON does not know become what their columns hold; undefined is null. */
function toColumns(row) {
	return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toColumn(value)]));
}
function toColumn(value) {
	if (value === void 0) return null;
	return value instanceof Date ? value.toISOString() : value;
}
/** What comes down, over what the application keeps beside the columns. */
function toLocal(row, table, before, times) {
	const known = Object.entries(row).map(([name, value]) => {
		if (table.columns[name]?.type === "time" && times === "date" && typeof value === "string") return [name, new Date(value)];
		if (table.columns[name]?.type === "bytes" && typeof value === "string") return [name, fromBase64(value)];
		return [name, value];
	}).filter(([name, value]) => value !== null || before !== void 0 && name in before);
	const { ...kept } = before ?? {};
	for (const name of Object.keys(kept)) if (name in table.columns) delete kept[name];
	return {
		...kept,
		...Object.fromEntries(known)
	};
}
/** The columns in which two rows differ, with the values of the second. */
function difference(before, after) {
	const [old, now] = [toColumns(before), toColumns(after)];
	const changed = [.../* @__PURE__ */ new Set([...Object.keys(old), ...Object.keys(now)])].filter((name) => JSON.stringify(old[name] ?? null) !== JSON.stringify(now[name] ?? null));
	return Object.fromEntries(changed.map((name) => [name, now[name] ?? null]));
}
function fromBase64(text) {
	return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
// src/dexie/middleware.ts
/** Writes each change of a synced table into the journal, in the transaction that makes it. */
function middleware(core, sync) {
	const journal = () => core.table(JOURNAL);
	const uids = /* @__PURE__ */ new WeakMap();
	const uidOf = (trans) => {
		const known = uids.get(trans) ?? crypto.randomUUID();
		if (!uids.has(trans)) {
			uids.set(trans, known);
			trans.addEventListener("complete", () => sync.committed());
		}
		return known;
	};
	return {
		...core,
		transaction: (stores, mode, options) => {
			const all = mode === "readwrite" && stores.some((store) => sync.isSynced(store)) && !stores.includes("$swain") ? [...stores, JOURNAL] : stores;
			return core.transaction(all, mode, options);
		},
		table: (name) => {
			const table = core.table(name);
			if (name === "$swain") return table;
			const resolve = (trans, key) => sync.isWatched(trans) ? sync.resolve(name, key) : key;
			return {
				...table,
				get: (request) => table.get({
					...request,
					key: resolve(request.trans, request.key)
				}),
				getMany: (request) => table.getMany({
					...request,
					keys: request.keys.map((key) => resolve(request.trans, key))
				}),
				query: (request) => table.query(resolvedQuery(sync, name, request)),
				count: (request) => table.count(resolvedQuery(sync, name, request)),
				mutate: (given) => {
					if (!sync.isSynced(name) || !sync.isWatched(given.trans)) return table.mutate(given);
					const request = keyed(sync, table, given);
					const { trans } = request;
					const entry = {
						uid: uidOf(trans),
						user: sync.user(),
						table: name
					};
					return rowsBefore(table, request).then((before) => table.mutate(request).then((response) => {
						const values = changesOf(request, response, before).map((change) => ({
							...entry,
							...change
						}));
						if (values.length === 0) return response;
						return journal().mutate({
							type: "add",
							trans,
							values
						}).then(() => response);
					}));
				}
			};
		}
	};
}
/** New rows of a counted table get their key here, because another device counts the same numbers. */
function keyed(sync, table, request) {
	const { primaryKey, name } = table.schema;
	if (request.type === "delete") return {
		...request,
		keys: request.keys.map((key) => sync.resolve(name, key))
	};
	if (request.type === "deleteRange") return request;
	if (primaryKey.autoIncrement !== true) return request;
	if (primaryKey.outbound === true) {
		const keys = request.values.map((_row, i) => sync.resolve(name, request.keys?.[i] ?? sync.newKey(name)));
		return {
			...request,
			keys
		};
	}
	const path = String(primaryKey.keyPath);
	const values = request.values.map((row) => ({
		...row,
		[path]: sync.resolve(name, row[path] ?? sync.newKey(name))
	}));
	return {
		...request,
		values
	};
}
/** The rows that a change replaces, by place; of a range, with their keys. */
function rowsBefore(table, request) {
	const { trans } = request;
	if (request.type === "deleteRange") {
		const query = {
			index: table.schema.primaryKey,
			range: request.range
		};
		return table.query({
			trans,
			values: false,
			query
		}).then(({ result }) => result.map((key) => ({
			key,
			row: {}
		})));
	}
	const keys = request.type === "delete" ? request.keys : request.values.map((row, i) => request.keys?.[i] ?? table.schema.primaryKey.extractKey?.(row));
	if (request.type === "add") return Dexie.Promise.resolve(keys.map((key) => ({
		key,
		row: void 0
	})));
	return table.getMany({
		trans,
		keys
	}).then((rows) => keys.map((key, i) => ({
		key,
		row: rows[i]
	})));
}
function changesOf(request, { failures }, before) {
	return before.flatMap(({ key, row }, i) => {
		if (failures[i] !== void 0) return [];
		if (request.type === "delete" || request.type === "deleteRange") return row === void 0 ? [] : [{
			key,
			kind: "delete",
			set: {}
		}];
		const value = request.values[i];
		if (row === void 0) return [{
			key,
			kind: "insert",
			set: toColumns(value)
		}];
		const set = difference(row, value);
		return Object.keys(set).length === 0 ? [] : [{
			key,
			kind: "update",
			set
		}];
	});
}
/** `where("listId").equals(id)` goes on finding rows when the list has another id now. */
function resolvedQuery(sync, name, request) {
	const { index, range } = request.query;
	if (!(range.lower !== void 0 && range.lower === range.upper) || !sync.isWatched(request.trans) || typeof index.keyPath !== "string") return request;
	const named = index.isPrimaryKey === true ? name : sync.named(name, index.keyPath);
	if (named === null) return request;
	const key = sync.resolve(named, range.lower);
	if (key === range.lower) return request;
	return {
		...request,
		query: {
			index,
			range: {
				...range,
				lower: key,
				upper: key
			}
		}
	};
}
// src/engine/canonical.ts
/** V3: RFC 8785. The value must have passed `parseJson` or `toJson`. */
function canonical(value) {
	if (typeof value !== "object" || value === null) return JSON.stringify(value);
	if (isArray(value)) return `[${value.map(canonical).join(",")}]`;
	return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`).join(",")}}`;
}
// src/engine/schema.ts
/** V5: the identity of a row within its table. */
function keyText(key) {
	return canonical(key);
}
// src/dexie/mirror.ts
/** So many rows are looked at in one transaction, so that the application's own are not kept waiting. */
var ROWS_MAX = 500;
/** Brings what the client shows into the database: rows that changed, and at first all. */
var Mirror = class {
	#db;
	#client;
	#times;
	#dirty = /* @__PURE__ */ new Map();
	/** Under which key a row stood before, for what the application keeps beside the columns. */
	#from = /* @__PURE__ */ new Map();
	constructor(db, client, times) {
		this.#db = db;
		this.#client = client;
		this.#times = times;
	}
	/** The row may differ from what the client shows. */
	touch(table, key) {
		const keys = this.#dirty.get(table) ?? /* @__PURE__ */ new Map();
		this.#dirty.set(table, keys.set(nameOf(key), key));
	}
	/** The row is under another key now. */
	move(table, from, to) {
		this.#from.set(`${table} ${nameOf(to)}`, from);
		this.touch(table, from);
		this.touch(table, to);
	}
	async touchAll(tables) {
		for (const name of tables) {
			for (const key of await this.#db.table(name).toCollection().primaryKeys()) this.touch(name, key);
			const columns = this.#client.schema?.tables[name]?.key ?? [];
			for (const row of this.#client.query(name).getSnapshot()) {
				const key = columns.map((column) => row[column]);
				this.touch(name, key.length === 1 ? key[0] ?? 0 : key);
			}
		}
	}
	/** Rows whose last edit is still in the journal stay as they are: the journal's turn comes first. */
	async write(own) {
		while (this.#dirty.size > 0) {
			const batch = this.#take();
			const names = [...new Set(batch.map(({ table }) => table)), JOURNAL];
			const waiting = await this.#db.transaction("rw", names, async (tx) => {
				own(tx.idbtrans);
				const entries = await this.#db.table(JOURNAL).where(":id").above(0).toArray();
				const user = this.#client.auth.getSnapshot()?.id ?? null;
				const mine = entries.filter((entry) => entry.user === user);
				const busy = new Set(mine.map(({ table, key }) => `${table} ${nameOf(key)}`));
				const [free, held] = [batch.filter((one) => !isBusy(one, busy)), batch.filter((one) => isBusy(one, busy))];
				const gone = [];
				for (const one of free) if (!await this.#put(one.table, one.key)) gone.push(one);
				for (const { table, key } of gone) await this.#db.table(table).delete(key);
				return held;
			});
			if (waiting.length === 0) continue;
			for (const { table, key } of waiting) this.touch(table, key);
			return;
		}
	}
	/** Returns false when the row is not here, or under another key. */
	async #put(name, key) {
		const schema = this.#client.schema?.tables[name];
		const row = this.#client.table(name).get(key);
		if (schema === void 0 || row === void 0) return false;
		if (nameOf([this.#client.table(name).resolve(key)].flat()) !== nameOf(key)) return false;
		const table = this.#db.table(name);
		const there = await table.get(key);
		const from = this.#from.get(`${name} ${nameOf(key)}`);
		const local = toLocal(row, schema, there ?? (from === void 0 ? void 0 : await table.get(from)), this.#times);
		if (there !== void 0 && JSON.stringify(there) === JSON.stringify(local)) return true;
		const isOutbound = !table.schema.primKey.keyPath;
		await table.put(isOutbound ? withoutKey(local, schema.key) : local, isOutbound ? key : void 0);
		return true;
	}
	#take() {
		const batch = [];
		for (const [table, keys] of this.#dirty) {
			for (const [text, key] of keys) {
				if (batch.length === ROWS_MAX) return batch;
				batch.push({
					table,
					key
				});
				keys.delete(text);
			}
			this.#dirty.delete(table);
		}
		return batch;
	}
};
function isBusy({ table, key }, busy) {
	return busy.has(`${table} ${nameOf(key)}`);
}
function nameOf(key) {
	return keyText([key].flat());
}
function withoutKey(row, key) {
	return Object.fromEntries(Object.entries(row).filter(([name]) => !key.includes(name)));
}
// src/dexie/upload.ts
/**
* The rows that were there before the add-on: into the journal, once. In one transaction, the mark included, so it
* happens whole or not at all, and never again.
*
* A counted key is this device's own number, which another device has given to another row. Such rows get temporary
* keys first, and the columns that name them follow; the server gives the keys that stay.
*/
async function uploadOnce(db, client, tables, own, isOpen) {
	const user = client.auth.getSnapshot()?.id ?? null;
	await db.transaction("rw", [...tables, JOURNAL], async (tx) => {
		own(tx.idbtrans);
		const journal = db.table(JOURNAL);
		if (await journal.get(0) !== void 0) return;
		const moved = /* @__PURE__ */ new Map();
		const rows = /* @__PURE__ */ new Map();
		for (const name of tables) rows.set(name, await rowsOf(db, name));
		for (const [name, held] of rows) {
			if (!isCounted(db, client, name)) continue;
			for (const one of held) {
				if (typeof one.key !== "number" || one.key < 0) continue;
				const key = client.temporaryId();
				moved.set(`${name} ${one.key}`, key);
				await db.table(name).delete(one.key);
				one.key = key;
			}
		}
		for (const [name, held] of rows) for (const one of held) {
			const row = renamed(client, name, one, moved);
			const path = db.table(name).schema.primKey.keyPath;
			await db.table(name).put(row, typeof path === "string" && path !== "" ? void 0 : one.key);
			const entry = entryFor(client, name, one.key, row);
			if (entry !== null) await journal.add({
				...entry,
				uid: uidOf(db, name, one.key),
				user
			});
		}
		if (!isOpen()) tx.abort();
		await journal.put({ mark: 1 }, 0);
	});
}
async function rowsOf(db, name) {
	const table = db.table(name);
	const keys = await table.toCollection().primaryKeys();
	const rows = await table.bulkGet(keys);
	return keys.flatMap((key, i) => {
		const row = rows[i];
		return row === void 0 ? [] : [{
			key,
			row
		}];
	});
}
/** Whether the numbers of its keys are given by whoever makes a row: here by the browser, there by the database. */
function isCounted(db, client, name) {
	return db.table(name).schema.primKey.auto === true && client.schema?.tables[name]?.ids === "server";
}
/** With its own new key, and with those of the rows that it names. */
function renamed(client, name, { key, row }, moved) {
	const schema = client.schema?.tables[name];
	const next = { ...row };
	for (const { columns, table } of schema?.references ?? []) {
		const [column, ...others] = columns;
		if (column === void 0 || others.length > 0) continue;
		next[column] = moved.get(`${table} ${row[column]}`) ?? row[column];
	}
	const [only, ...others] = schema?.key ?? [];
	if (only !== void 0 && others.length === 0 && only in row) next[only] = key;
	return next;
}
/** A row that the server has already, from another device with the same keys, is changed where the two differ. */
function entryFor(client, table, key, row) {
	const there = client.table(table).get(key);
	if (there === void 0) return {
		table,
		key,
		kind: "insert",
		set: toColumns(row)
	};
	const set = difference({
		...row,
		...there
	}, {
		...there,
		...row
	});
	return Object.keys(set).length === 0 ? null : {
		table,
		key,
		kind: "update",
		set
	};
}
/** One mutation a row: one that the server refuses holds no other back. */
function uidOf(db, table, key) {
	return `${db.name}:${table}:${JSON.stringify(key)}:${crypto.randomUUID()}`;
}
// src/dexie/dexie.ts
/** `new Dexie("name", { addons: [swain()] })`: the database's tables are kept the same as the server's. */
function swain(options = {}) {
	return (db) => void new DexieSync(db, options);
}
/** The client of a database that has the add-on: its status, sign-in, refused edits. */
function clientOf(db) {
	const sync = SYNCS.get(db);
	if (sync === void 0) throw new Error(`The database ${db.name} has no Swain add-on.`);
	return sync.client;
}
var SYNCS = /* @__PURE__ */ new WeakMap();
var DexieSync = class {
	#db;
	#options;
	#own = /* @__PURE__ */ new WeakSet();
	#client = null;
	#mirror = null;
	#isUploaded = false;
	/** Whose store the client opens, and whose is open: between a sign-in and the opening it is still the other person's. */
	#expected = null;
	#opened = null;
	#working = Promise.resolve();
	#isAsked = false;
	constructor(db, options) {
		this.#db = db;
		this.#options = options;
		SYNCS.set(db, this);
		const versions = db.Version.prototype;
		const { stores } = versions;
		versions.stores = function(schema) {
			return stores.call(this, {
				...schema,
				[JOURNAL]: "++"
			});
		};
		db.use({
			stack: "dbcore",
			name: "swain",
			level: 1,
			create: (core) => middleware(core, this)
		});
		db.on("ready", () => this.#start(), true);
	}
	get client() {
		this.#client ??= createClient({
			...this.#options,
			shapes: this.#tables.map((table) => ({ table }))
		});
		return this.#client;
	}
	isSynced(table) {
		const { schema } = this.client;
		return (schema === null || schema.tables[table] !== void 0) && this.#tables.includes(table);
	}
	isWatched(trans) {
		return !this.#own.has(trans);
	}
	newKey(table) {
		if ((this.client.schema?.tables[table]?.ids ?? "server") === "server") return this.client.temporaryId();
		throw new Error(`${table}: the server's table has no counted key; give one.`);
	}
	resolve(table, key) {
		const isTemporary = typeof key === "number" && key < 0;
		const isKnown = this.#client?.schema?.tables[table] !== void 0;
		return isTemporary && isKnown ? this.client.table(table).resolve(key) : key;
	}
	named(table, column) {
		const references = this.client.schema?.tables[table]?.references ?? [];
		const isIt = ({ columns }) => columns.length === 1 && columns[0] === column;
		return references.find(isIt)?.table ?? null;
	}
	user() {
		return this.client.auth.getSnapshot()?.id ?? null;
	}
	committed() {
		this.#ask();
	}
	get #tables() {
		const all = this.#db.tables.map(({ name }) => name).filter((name) => name !== JOURNAL);
		return this.#options.tables ?? all;
	}
	/** Resolves when the client has what it knows without a network; queries wait for that. */
	async #start() {
		const { client } = this;
		await client.start();
		if (this.#mirror !== null) return;
		this.#expected = this.#opened = this.user();
		this.#mirror = new Mirror(this.#db, client, this.#options.times ?? "date");
		client.onChange((change) => {
			for (const { table, key } of change.rows) if (this.isSynced(table)) this.#mirror?.touch(table, local(key));
			for (const { table, from, to } of change.aliases) this.#mirror?.move(table, local(from), local(to));
			this.#ask();
		});
		client.auth.subscribe(() => {
			const user = this.user();
			if (user === this.#expected) return;
			this.#expected = user;
			queueMicrotask(() => {
				client.start().then(() => {
					if (user !== this.#expected) return;
					this.#isUploaded = false;
					this.#opened = user;
					this.#ask();
				}, (error) => warn("it is tried again", error));
			});
		});
		client.fresh().then(() => this.#ask(), () => void 0);
		this.#ask();
	}
	/** One after the other; one more round for what came meanwhile. */
	#ask() {
		if (this.#isAsked) return;
		this.#isAsked = true;
		this.#working = this.#working.then(() => this.#alone(() => this.#work())).catch((error) => warn("it is tried again", error));
	}
	async #work() {
		this.#isAsked = false;
		const { client } = this;
		const mirror = this.#mirror;
		const isAllowed = this.#options.signedIn !== true || this.user() !== null;
		if (mirror === null || client.schema === null || !isAllowed || this.#db.hasBeenClosed()) return;
		const isOpen = () => this.#opened === this.user();
		if (!isOpen()) return;
		const own = (trans) => void this.#own.add(trans);
		const tables = this.#tables.filter((table) => client.schema?.tables[table] !== void 0);
		if (!this.#isUploaded) {
			if (client.status.getSnapshot().cached && !await this.#hasMark()) return;
			await uploadOnce(this.#db, client, tables, own, isOpen);
			this.#isUploaded = true;
			await mirror.touchAll(tables);
		}
		const journal = this.#db.table(JOURNAL);
		for (const { table, key } of await drain(journal, client, isOpen, this.#refused)) mirror.touch(table, key);
		await mirror.write(own);
	}
	async #hasMark() {
		return await this.#db.table(JOURNAL).get(0) !== void 0;
	}
	#refused = (what) => {
		const { onRefused } = this.#options;
		if (onRefused !== void 0) onRefused(what);
		else warn("an edit was not taken", what.error, what.entries);
	};
	/** One tab at a time hands over and mirrors. */
	async #alone(work) {
		const { locks } = globalThis.navigator ?? {};
		if (locks === void 0) return work();
		await locks.request(`swain:dexie:${this.#db.name}`, work);
	}
};
function local(key) {
	return key.length === 1 ? key[0] : key;
}
function warn(...what) {
	console.warn("swain:", ...what);
}
export { clientOf, swain };
