/** RFC 9562 version 7: sortable by time. `random` gives numbers in [0, 1). */
export function uuidV7(nowMs: number, random: () => number): string {
  const time = Math.trunc(nowMs).toString(16).padStart(12, "0").slice(-12);
  const a = hex(0x7000 + draw(random, 0x1000), 4);
  const b = hex(0x8000 + draw(random, 0x4000), 4);
  const c = hex(draw(random, 0x1_0000_0000), 8) + hex(draw(random, 0x1_0000), 4);
  return `${time.slice(0, 8)}-${time.slice(8)}-${a}-${b}-${c}`;
}

function draw(random: () => number, below: number): number {
  return Math.floor(random() * below);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
