/**
 * Reloads the page when `swain dev` says that something changed: an event `reload` whose data says what.
 * One tab listens for all of them, because a browser opens six connections to a host and no more.
 */
export declare function reloadOnSave(): void;
