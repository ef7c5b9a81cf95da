import { createClient } from "/swain.js";

const query = new URLSearchParams(location.search);
const client = createClient({
  shapes: [{ table: "sessions" }],
  transports: query.get("transports")?.split(","),
  credentials: query.get("credentials") ?? undefined,
  firstDelayMs: 200,
  environment: { transportTimes: JSON.parse(query.get("times") ?? "{}") },
});
await client.start();

const sessions = client.query("sessions", { orderBy: [["place", "asc"]] });
const draw = () => {
  const items = sessions
    .getSnapshot()
    .map(({ place }) => Object.assign(document.createElement("li"), { textContent: place }));
  document.querySelector("#sessions").replaceChildren(...items);
  document.querySelector("#who").textContent = client.auth.getSnapshot()?.email ?? "";
  const { state, transport, pending } = client.status.getSnapshot();
  document.querySelector("#state").textContent = `${state}, ${pending} pending, over ${transport ?? "nothing"}`;
};
for (const watched of [sessions, client.status, client.auth]) watched.subscribe(draw);
draw();

document.querySelector("#join").onsubmit = (event) => {
  event.preventDefault();
  client.auth.signup({ email: `${crypto.randomUUID()}@example.com`, password: "a long password" });
};
document.querySelector("#add").onsubmit = (event) => {
  event.preventDefault();
  client.table("sessions").insert({ place: event.target.elements.place.value, played_on: "2026-05-29" });
};
