// What the page itself remembers. It goes with the page; rows live in data.js.

export const page = {
  /** What this device holds is there. */
  isOpen: false,
  /** Why it could not be opened. */
  failure: null,
  isSigningIn: false,
  isSyncing: false,
  /** A line for the person. */
  notice: null,
  /** The team of each player in the game that is being put together: player id to "a" or "b"; null: none is. */
  draft: null,
  /** The number of the refused edit that is being corrected. */
  correcting: null,
};

let draw = () => undefined;
let isDue = false;

export function onDraw(call) {
  draw = call;
}

/** Draws once after the current task, however often it is called. */
export function redraw() {
  if (isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    draw();
  });
}

export function set(changes) {
  Object.assign(page, changes);
  redraw();
}

const NOTICE_MS = 8000;
let timer = 0;

/** A line for the person, for a while. */
export function say(notice) {
  clearTimeout(timer);
  timer = setTimeout(() => set({ notice: null }), NOTICE_MS);
  set({ notice });
}

/** Something that this page could not do. */
export function tell(error) {
  say(error.message);
}

/** The address: `#/<session>/<section>`. */
export function route() {
  const [, sessionId = "", section = "games"] = location.hash.split("/");
  return { sessionId, section };
}
