import type { Entry } from "../engine/entry.js";
import type { Replica } from "../engine/replica.js";
import { type Shape, shapeId } from "../engine/shape.js";

/** What a developer's panel sees of a client; made when it is asked for, so that it costs nothing otherwise. */
export interface Inspection {
  readonly device: string;
  /** Null: nothing was applied yet. */
  readonly mark: { readonly pos: number; readonly epoch: string; readonly cursor: string } | null;
  /** The highest n that is acknowledged. */
  readonly acked: number;
  readonly schema: number | null;
  readonly shapes: readonly InspectedShape[];
  /** The newest first, at most 100. */
  readonly outbox: readonly Entry[];
}

export interface InspectedShape {
  readonly shape: Shape;
  /** Confirmed rows that it holds. */
  readonly rows: number;
  /** Rows of a load that has not ended. */
  readonly staged: number;
}

const ENTRIES_MAX = 100;

export function inspect(replica: Replica, shapes: readonly Shape[]): Inspection {
  const { device, mark, acked, schema } = replica.meta;
  const rows = counts(replica.confirmed.all());
  const staged = counts(replica.staging.all());
  return {
    device,
    mark: mark === null ? null : { pos: mark.pos, epoch: mark.epoch, cursor: mark.cursor },
    acked,
    schema: schema?.version ?? null,
    shapes: shapes.map((shape) => {
      const id = shapeId(shape);
      return { shape, rows: rows.get(id) ?? 0, staged: staged.get(id) ?? 0 };
    }),
    outbox: [...replica.outbox.unsaved(), ...[...replica.outbox.saved()].reverse()].slice(0, ENTRIES_MAX),
  };
}

function counts(rows: Iterable<{ readonly in: readonly string[] }>): ReadonlyMap<string, number> {
  const counted = new Map<string, number>();
  for (const row of rows) for (const id of row.in) counted.set(id, (counted.get(id) ?? 0) + 1);
  return counted;
}
