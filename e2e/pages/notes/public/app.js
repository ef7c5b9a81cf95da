// A page without a face: stories speak to its client.
import { createClient } from "/swain.js";

const client = createClient({ shapes: [{ table: "notes" }], transports: ["websocket"], firstDelayMs: 200 });
globalThis.client = client;

const notes = client.query("notes", { orderBy: [["text", "asc"]] });
const draw = () => {
  const texts = notes.getSnapshot().map(({ text }) => text.slice(0, 40));
  const { state, pending, problem } = client.status.getSnapshot();
  document.querySelector("p").textContent = `${state}, ${pending} pending, ${problem?.code ?? "no problem"}`;
  document.querySelector("ul").replaceChildren(
    ...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
};
for (const watched of [notes, client.status]) watched.subscribe(draw);
client.start().then(draw, ({ code }) => {
  document.querySelector("p").textContent = code;
});
