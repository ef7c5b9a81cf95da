import type { Client } from "../client/client.js";
import type { Inspection } from "../client/inspection.js";
/** What waits and what became of it. */
export declare function outboxView({ outbox, acked }: Inspection): HTMLElement;
/** What this device holds, and how far it has got. */
export declare function shapesView({ shapes, mark, device, schema }: Inspection): HTMLElement;
/** Visible rows of one table, as a query of the application sees them. */
export declare function rowsView(client: Client, name: string): HTMLElement;
