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
// src/presence/people.ts
/** P28: who is in a room, as the frames of the server tell it. */
var People = class {
	#here = /* @__PURE__ */ new Map();
	/** Why this tab is not in the room. */
	problem = null;
	/** In the order in which they came. */
	get others() {
		return [...this.#here.values()];
	}
	hear({ problem, all, here, left }) {
		this.problem = problem === void 0 ? null : String(problem.code);
		if (all === true || problem !== void 0) this.forget();
		for (const id of left ?? []) this.#here.delete(id);
		for (const other of here ?? []) {
			const { id = 0, user = null, name = null, row = null, state = {} } = other;
			this.#here.set(id, {
				id,
				user,
				name,
				row,
				state
			});
		}
	}
	/** Without a stream nobody knows who is there. */
	forget() {
		this.#here.clear();
	}
};
// src/presence/presence.ts
/** Limit of the server, in bytes of JSON. */
var STATE_BYTES_MAX = 2048;
/** Nobody sees more often. */
var INTERVAL_MS = 50;
/**
* Enters a room of a table that the client holds, and says so until `leave()`. Whoever joins the same room twice in one
* tab is there once. Nothing of it is stored, and nothing of it is there without a connection.
*/
function joinRoom(client, table, scope = {}) {
	const lobby = client.addOns.get(ADD_ON) ?? new Lobby(client);
	client.addOns.set(ADD_ON, lobby);
	return lobby.join(table, scope);
}
/** The hooks have a copy of this file, and a tab is in a room once. */
var ADD_ON = "presence";
/** All rooms of one tab. */
var Lobby = class {
	#client;
	#tab = crypto.randomUUID();
	#rooms = /* @__PURE__ */ new Map();
	#stop = null;
	constructor(client) {
		this.#client = client;
	}
	join(table, scope) {
		const [first, ...more] = Object.entries(scope);
		if (more.length > 0) throw new SwainError("bad_room", "A room is one value of one column.");
		const where = first === void 0 ? void 0 : { eq: [first[0], first[1]] };
		const shape = where === void 0 ? { table } : {
			table,
			where
		};
		const name = JSON.stringify(shape);
		const seat = this.#rooms.get(name) ?? new Seat(this.#client, shape, (body) => this.#say(body));
		this.#rooms.set(name, seat);
		this.#listen();
		seat.handles += 1;
		if (seat.handles === 1) seat.say();
		let isLeft = false;
		return {
			others: seat.others,
			problem: seat.problem,
			set: (state) => seat.set(state),
			leave: () => {
				if (isLeft) return;
				isLeft = true;
				seat.handles -= 1;
				if (seat.handles > 0) return;
				seat.end();
				this.#rooms.delete(name);
				this.#say(this.#rooms.size > 0 ? {
					room: shape,
					leave: true
				} : { leave: true });
				if (this.#rooms.size === 0) this.#stop?.();
			}
		};
	}
	#sayAll() {
		for (const seat of this.#rooms.values()) seat.say();
	}
	#say(body) {
		this.#client.say({
			tab: this.#tab,
			...body
		});
	}
	#listen() {
		if (this.#stop !== null) return;
		const { status } = this.#client;
		let isOpen = isStreaming(this.#client);
		const stops = [
			this.#client.onHeard((body) => this.#hear(body)),
			status.subscribe(() => {
				const was = isOpen;
				isOpen = isStreaming(this.#client);
				if (was === isOpen) return;
				for (const seat of this.#rooms.values()) isOpen ? seat.say() : seat.forget();
			}),
			this.#client.onChange(({ aliases }) => {
				if (aliases.length > 0) this.#sayAll();
			}),
			onPageHide(() => this.#say({ leave: true }))
		];
		this.#stop = () => {
			for (const stop of stops) stop();
			this.#stop = null;
		};
	}
	#hear(body) {
		if (body.ask === true) return this.#say({});
		if (body.tab !== this.#tab) return;
		if (body.again === true) return this.#sayAll();
		const { where, table } = body.room;
		this.#rooms.get(JSON.stringify(where === void 0 ? { table } : {
			table,
			where
		}))?.hear(body);
	}
};
/** This tab in one room. */
var Seat = class {
	others = new Signal([]);
	problem = new Signal(null);
	handles = 0;
	#client;
	#shape;
	#say;
	#people = new People();
	#row = null;
	#state = {};
	#said = Number.NEGATIVE_INFINITY;
	#timer = null;
	constructor(client, shape, say) {
		this.#client = client;
		this.#shape = shape;
		this.#say = say;
	}
	set({ row = null, ...state }) {
		const text = JSON.stringify(state);
		const bytes = new TextEncoder().encode(text + JSON.stringify(row)).length;
		if (bytes > STATE_BYTES_MAX) throw new SwainError("limit_presence_bytes", `${bytes} bytes are said, and at most ${STATE_BYTES_MAX} are taken.`);
		this.#row = row;
		this.#state = JSON.parse(text);
		if (this.#timer !== null) return;
		const wait = this.#said + INTERVAL_MS - performance.now();
		if (wait <= 0) this.say();
		else this.#timer = setTimeout(() => this.say(), wait);
	}
	say() {
		this.#stopTimer();
		this.#said = performance.now();
		this.#say({
			room: this.#shape,
			row: this.#key(),
			state: this.#state
		});
	}
	hear(body) {
		this.#people.hear(body);
		this.problem.set(this.#people.problem);
		this.#tell();
	}
	forget() {
		this.#people.forget();
		this.#tell();
	}
	end() {
		this.#stopTimer();
		this.forget();
	}
	#tell() {
		const { others } = this.#people;
		if (others.length + this.others.getSnapshot().length > 0) this.others.set(others);
	}
	#stopTimer() {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
	}
	/** As the server knows the row: a temporary id may have become another. */
	#key() {
		const key = this.#row;
		if (key === null) return null;
		const { table } = this.#shape;
		const row = this.#client.table(table).get(key);
		const columns = this.#client.schema?.tables[table]?.key;
		if (row !== void 0 && columns !== void 0) return columns.map((column) => row[column] ?? null);
		return Array.isArray(key) ? key : [key];
	}
};
function isStreaming(client) {
	const { state } = client.status.getSnapshot();
	return state === "syncing" || state === "live";
}
function onPageHide(call) {
	const page = globalThis.window;
	if (page === void 0) return () => void 0;
	page.addEventListener("pagehide", call, true);
	return () => page.removeEventListener("pagehide", call, true);
}
export { joinRoom };
