import { createClient } from "/swain.js";

// One transport, because the story takes the server away and not something in between.
const client = createClient({
  shapes: [{ table: "sessions" }, { table: "laps" }],
  transports: ["websocket"],
  firstDelayMs: 200,
});
await client.start();

const sessions = client.table("sessions");
const laps = client.query("laps", { orderBy: [["who", "asc"]] });
// The page knows its session by the key that it got at once, and never asks for another.
let mine = null;

const draw = () => {
  const items = laps.getSnapshot().map(({ who, session_id: id }) => {
    const text = `${who}: ${sessions.get(id)?.title ?? "no session"} ${id < 0 ? "waits" : `is ${id}`}`;
    return Object.assign(document.createElement("li"), { textContent: text });
  });
  document.querySelector("#laps").replaceChildren(...items);
  const { state, pending, refused } = client.status.getSnapshot();
  document.querySelector("#state").textContent = `${state}, ${pending} pending, ${refused} refused`;
};
for (const watched of [client.query("sessions"), laps, client.status]) watched.subscribe(draw);
draw();

document.querySelector("#add").onsubmit = (event) => {
  event.preventDefault();
  const title = event.target.elements.title.value;
  mine = sessions.insert({ title }).key;
  client.table("laps").insert({ who: `lap of ${title}`, session_id: mine });
};
document.querySelector("#rename").onsubmit = (event) => {
  event.preventDefault();
  sessions.update(mine, { title: event.target.elements.title.value });
};
