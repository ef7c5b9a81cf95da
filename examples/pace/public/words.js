// Dates, times and reasons, as people say them.

const DAY_MS = 86_400_000;

/** Today in this place, as the database writes dates. */
export function today(offsetDays = 0) {
  const now = new Date(Date.now() + offsetDays * DAY_MS);
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

export function dayName(date) {
  if (date === today()) return "Tonight";
  if (date === today(1)) return "Tomorrow";
  if (date === today(-1)) return "Yesterday";
  const [year, month, day] = date.split("-").map(Number);
  const format = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
  return new Date(year, month - 1, day).toLocaleDateString("en-GB", format);
}

export function ago(time) {
  const seconds = Math.max(0, Math.round((Date.now() - time) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return clock(time);
}

/** 18:42, or with the day when that is not today. */
export function clock(time) {
  const at = new Date(time);
  const isToday = at.toDateString() === new Date().toDateString();
  const hours = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return isToday ? hours : `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${hours}`;
}

export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

/** By the stable code of a refusal. */
const REASONS = {
  check_failed: "A rule of the database says no.",
  not_allowed: "Only the person who made this may do that.",
  row_gone: "Somebody deleted it in the meantime.",
  foreign_key: "What it belongs to was deleted in the meantime.",
  duplicate: "There is one like this already.",
  id_taken: "It is there already.",
  not_null: "Something is missing.",
};

export function reason(code) {
  return REASONS[code] ?? `The server did not take it (${code}).`;
}

const SIGN_IN_REASONS = {
  offline: "The server cannot be reached. Signing in needs a connection.",
  wrong_credentials: "The e-mail address or the password is wrong.",
  email_taken: "There is an account with this e-mail address. Sign in instead.",
  bad_email: "This does not look like an e-mail address.",
};

export function signInReason(error) {
  return SIGN_IN_REASONS[error.code] ?? error.message;
}
