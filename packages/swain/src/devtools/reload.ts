const NAME = "swain:dev-reload";
const ADDRESS = "/api/dev/reload";

/** What `swain dev` says. */
type Word = { readonly kind: "reload" } | { readonly kind: "problem"; readonly text: string };

/**
 * Reloads the page when `swain dev` says that something changed: an event `reload` whose data says what.
 * An event `problem` says why what was saved cannot be used; its text goes to `tell`.
 * One tab listens for all of them, because a browser opens six connections to a host and no more.
 */
export function reloadOnSave(tell: (problem: string) => void): void {
  const take = (word: Word): void => {
    if (word.kind === "reload") location.reload();
    else tell(word.text);
  };
  if (!("locks" in navigator) || typeof BroadcastChannel === "undefined") return listen(take);
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = (event) => take(event.data as Word);
  void navigator.locks.request(NAME, () => {
    listen((word) => {
      channel.postMessage(word);
      take(word);
    });
    // Held until this tab is gone.
    return new Promise<never>(() => undefined);
  });
}

function listen(take: (word: Word) => void): void {
  const source = new EventSource(ADDRESS);
  source.addEventListener("reload", () => take({ kind: "reload" }));
  source.addEventListener("problem", (event) => take({ kind: "problem", text: String(event.data) }));
}
