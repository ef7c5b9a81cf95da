import { describe, expect, it } from "vitest";
import { EventParser, type ServerEvent } from "../src/transport/event-parser";
import { FRAME_CHARS_MAX } from "../src/transport/transport";
import { spec } from "./spec";

const STREAM = [
  ": a comment\r\n\r\n",
  'data: {"changes":{"i":1,"title":"Grüße 🚣"}}\nid: c1\n\n',
  "event: close\rdata: 1012\r\r",
  "data\n\n",
  "data: two\r\ndata:lines\r\n\r\n",
  "retry: 5\nunknown: x\n\n",
  "event: forgotten without data\n\n",
  "data:  one blank is taken\n\n",
  "data: cut in the middle",
].join("");

const EVENTS: readonly ServerEvent[] = [
  { name: "message", data: '{"changes":{"i":1,"title":"Grüße 🚣"}}' },
  { name: "close", data: "1012" },
  { name: "message", data: "" },
  { name: "message", data: "two\nlines" },
  { name: "message", data: " one blank is taken" },
];

/** Through a decoder, as the pieces of a network come. */
function read(pieces: readonly Uint8Array[]): readonly ServerEvent[] {
  const events: ServerEvent[] = [];
  const parser = new EventParser((event) => void events.push(event));
  const decoder = new TextDecoder();
  for (const piece of pieces) parser.push(decoder.decode(piece, { stream: true }));
  return events;
}

describe("a stream of events", () => {
  const bytes = new TextEncoder().encode(STREAM);

  it("is read the same when it is cut at any byte", () => {
    spec("C18");
    expect(read([bytes])).toEqual(EVENTS);
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(read([bytes.slice(0, at), bytes.slice(at)]), `cut at ${at}`).toEqual(EVENTS);
    }
  });

  it("is read the same byte by byte, and in any pieces", () => {
    spec("C18");
    expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
    for (let size = 2; size < 40; size += 1) {
      const pieces = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
      expect(read(pieces), `pieces of ${size}`).toEqual(EVENTS);
    }
  });

  it("may begin with a byte order mark", () => {
    const events: ServerEvent[] = [];
    new EventParser((event) => void events.push(event)).push("\uFEFFdata: x\n\n");
    expect(events).toEqual([{ name: "message", data: "x" }]);
  });

  it("with an event that does not end is given up at the limit, and not before", () => {
    const piece = "x".repeat(FRAME_CHARS_MAX / 8);
    const parser = new EventParser(() => undefined);
    for (let i = 0; i < 8; i += 1) parser.push(piece);
    expect(() => parser.push("x")).toThrow("no end");
    const lines = new EventParser(() => undefined);
    for (let i = 0; i < 8; i += 1) lines.push(`data: ${piece}\n`);
    expect(() => lines.push("data: x\n")).toThrow("no end");
  });
});
