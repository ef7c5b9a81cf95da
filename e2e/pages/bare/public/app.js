import { createClient } from "/swain.js";

const client = createClient({ shapes: [{ table: "sessions" }] });
await client.start();

const sessions = client.query("sessions", { orderBy: [["place", "asc"]] });
const draw = () => {
  const items = sessions
    .getSnapshot()
    .map(({ place }) => Object.assign(document.createElement("li"), { textContent: place }));
  document.querySelector("#sessions").replaceChildren(...items);
  const { state, pending } = client.status.getSnapshot();
  document.querySelector("#state").textContent = `${state}, ${pending} pending`;
};
for (const watched of [sessions, client.status, client.auth]) watched.subscribe(draw);
draw();

document.querySelector("#join").onsubmit = (event) => {
  event.preventDefault();
  client.auth.signup({ email: `${crypto.randomUUID()}@example.com`, password: "a long password" });
};
document.querySelector("#add").onsubmit = (event) => {
  event.preventDefault();
  const place = event.target.elements.place.value;
  client.table("sessions").insert({ place, played_on: "2026-05-29" });
};
