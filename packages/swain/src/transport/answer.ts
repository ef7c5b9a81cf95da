import { isObject, parseJson } from "../engine/json.js";
import { CLOSED_ABNORMALLY, type ConnectionEvents } from "./transport.js";

/** What an HTTP answer that is none of success says to a connection. */
export interface Refusal {
  /** From the server itself; null: what answered is something in between. */
  readonly code: string | null;
  readonly status: number;
  /** The frames that stand for it, before the close. */
  readonly frames: readonly string[];
  /** P15: as WebSocket would close. */
  readonly close: number;
}

/** P20: reads the whole answer; one without problem details is not from a Swain server and means nothing. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const { status } = response;
  const problem = await problemOf(response);
  if (problem === null) return { code: null, status, frames: [], close: CLOSED_ABNORMALLY };
  const frames = [JSON.stringify({ problem })];
  const wait = retryAfterMs(response);
  if (wait !== null) frames.push(JSON.stringify({ goaway: { reason: problem.code, retry: wait } }));
  return { code: problem.code, status, frames, close: closeCodeOf(status) };
}

export function tell(events: ConnectionEvents, refusal: Refusal): void {
  for (const frame of refusal.frames) events.frame(frame);
  events.closed(refusal.close);
}

function closeCodeOf(status: number): number {
  if (status === 401) return 4401;
  if (status === 403) return 4403;
  if (status === 429 || status === 503) return 1013;
  return status >= 500 ? CLOSED_ABNORMALLY : 4400;
}

async function problemOf(response: Response): Promise<{ readonly code: string; readonly title: string } | null> {
  try {
    const body = parseJson(await response.text());
    if (!isObject(body) || typeof body.code !== "string") return null;
    return { code: body.code, title: typeof body.title === "string" ? body.title : body.code };
  } catch {
    return null;
  }
}

/** In seconds by our server; a date would be a proxy's. */
function retryAfterMs(response: Response): number | null {
  const seconds = Number(response.headers.get("retry-after") ?? "");
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, RETRY_AFTER_MAX_S) * 1000 : null;
}

const RETRY_AFTER_MAX_S = 300;
