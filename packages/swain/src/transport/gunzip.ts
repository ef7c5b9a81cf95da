import { FRAME_CHARS_MAX } from "./transport.js";

/** P23: the text in a binary message. Throws when it is no gzip, or larger than a frame may be. */
export async function gunzip(bytes: ArrayBuffer): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = stream.getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > FRAME_CHARS_MAX) {
      await reader.cancel();
      throw new RangeError("The frame is too large.");
    }
  }
}
