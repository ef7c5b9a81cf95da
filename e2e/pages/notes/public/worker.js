import { createClient } from "/swain.js";

const client = createClient({ url: location.origin, shapes: [{ table: "notes" }] });
await client.start();
await client.fresh();
await client.table("notes").insert({ text: "of a worker" }).synced;
const { persistent, leader } = client.status.getSnapshot();
postMessage({ persistent, leader, notes: client.query("notes").getSnapshot().length });
