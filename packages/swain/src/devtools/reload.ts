const NAME = "swain:dev-reload";
const ADDRESS = "/api/dev/reload";

/**
 * Reloads the page when `swain dev` says that something changed: an event `reload` whose data says what.
 * One tab listens for all of them, because a browser opens six connections to a host and no more.
 */
export function reloadOnSave(): void {
  if (!("locks" in navigator) || typeof BroadcastChannel === "undefined") return listen(() => location.reload());
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = () => location.reload();
  void navigator.locks.request(NAME, () => {
    listen(() => {
      channel.postMessage("reload");
      location.reload();
    });
    // Held until this tab is gone.
    return new Promise<never>(() => undefined);
  });
}

function listen(reload: () => void): void {
  const source = new EventSource(ADDRESS);
  source.addEventListener("reload", reload);
}
