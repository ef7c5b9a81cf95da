import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
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
// src/react/react.ts
var ClientContext = createContext(null);
/** Gives the client to the hooks below it, and starts it in the browser. Whoever made the client closes it. */
function SwainProvider({ client, onError, children }) {
	const heard = useRef(onError);
	heard.current = onError;
	useEffect(() => {
		client.start().catch((error) => heard.current?.(error));
	}, [client]);
	return createElement(ClientContext, { value: client }, children);
}
function useClient() {
	const client = useContext(ClientContext);
	if (client === null) throw new Error("Swain's hooks need a SwainProvider above them.");
	return client;
}
/** What the server renders, and so the browser's first picture, too: rows come after. */
var NOTHING = [];
/**
* The rows of a query, live. The selection is compared by its content, so it may be written in place; a predicate is
* taken anew when one of `deps` is another.
*/
function useQuery(table, selection = {}, deps = NOTHING) {
	const client = useClient();
	const text = JSON.stringify(selection);
	return useWatchable(useMemo(() => client.query(table, selection), [
		client,
		table,
		text,
		...deps
	]), NOTHING);
}
/** One row, live; undefined while it is not here. */
function useRow(table, key) {
	const client = useClient();
	return useWatchable(useMemo(() => client.row(table, key), [
		client,
		table,
		String(key)
	]), void 0);
}
var IDLE = {
	kind: "idle",
	error: null
};
var SAVED = {
	kind: "saved",
	error: null
};
/** An edit and what became of its last call. The edit itself shows at once in every query. */
function useMutation(change) {
	const client = useClient();
	const [state, setState] = useState(IDLE);
	const latest = useRef(null);
	const current = useRef(change);
	current.current = change;
	return [useCallback((...args) => {
		const mutation = current.current(client, ...args);
		latest.current = mutation;
		const say = (kind, error = null) => {
			if (latest.current === mutation) setState({
				kind,
				error
			});
		};
		say("saving");
		mutation.saved.then(() => setState((state) => latest.current === mutation && state.kind === "saving" ? SAVED : state), () => void 0);
		mutation.synced.then(() => say("synced"), (error) => say("refused", error));
		return mutation;
	}, [client]), state];
}
function useStatus() {
	return useWatchable(useClient().status, NO_STATUS);
}
/** Refused edits of this device. */
function useRefused() {
	return useWatchable(useClient().refused, NOTHING);
}
/** What waits for this person: conflicts and refusals. Decided by `client.inbox`. */
function useInbox() {
	return useWatchable(useClient().inbox, NOTHING);
}
function useUser() {
	return useWatchable(useClient().auth, null);
}
/** Anything with `subscribe` and `getSnapshot`. `first`: what a server renders, which knows no device. */
function useWatchable({ subscribe, getSnapshot }, first) {
	return useSyncExternalStore(subscribe, getSnapshot, () => first);
}
export { SwainProvider, useClient, useInbox, useMutation, useQuery, useRefused, useRow, useStatus, useUser, useWatchable };
