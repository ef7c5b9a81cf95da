// What may lie between a browser and the server: a proxy that refuses, holds back or cuts, and can change its mind.

import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { connect } from "node:net";

export class Proxy {
  /** WebSocket is refused, as by a proxy that knows only requests and answers. */
  refusesUpgrade = false;
  /** Events come only when the answer ends, which a stream's does not. */
  buffers = false;
  /** Every connection ends after so long, ms; null: none. */
  cutMs = null;
  /** The cable: nothing gets through. */
  isOut = false;
  /** Answers instead of the server: from a path to `{ type, body }`, or null. */
  answer = () => null;
  /** As `swain dev`: pages get the panel, and hear of what is saved. */
  isDeveloping = false;
  /** What was asked for, without query. */
  asked = [];
  /** Pages may complain of the network: it is what a proxy is for. */
  wasDown = true;
  #target;
  #server = createServer((asked, answer) => this.#pass(asked, answer));
  #agent = new Agent({ keepAlive: false });
  #sockets = new Set();
  #developers = new Set();
  #port = 0;

  static async before(server) {
    const proxy = new Proxy();
    proxy.#target = new URL(server.url);
    proxy.#server.on("connection", (socket) => {
      proxy.#sockets.add(socket);
      socket.on("close", () => proxy.#sockets.delete(socket));
      socket.on("error", () => undefined);
      if (proxy.isOut) socket.destroy();
    });
    proxy.#server.on("upgrade", (asked, socket, head) => proxy.#upgrade(asked, socket, head));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.#port = proxy.#server.address().port;
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Ends what is open; with the cable out, nothing new begins. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  pull() {
    this.isOut = true;
    this.cut();
  }

  plugIn() {
    this.isOut = false;
  }

  /** Tells pages that a file was saved. */
  saved(file) {
    for (const answer of this.#developers) answer.write(`event: reload\ndata: ${file}\n\n`);
  }

  async close() {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #pass(asked, answer) {
    const path = asked.url.split("?")[0];
    this.asked.push(path);
    const other = this.answer(path);
    if (other !== null) {
      answer.writeHead(200, { "content-type": other.type });
      answer.end(other.body);
      return;
    }
    if (this.isDeveloping && path === "/api/dev/reload") return this.#listen(answer);
    const { hostname, port } = this.#target;
    const { method, url } = asked;
    const headers = { ...asked.headers };
    // A page that comes packed cannot be added to.
    if (this.isDeveloping) delete headers["accept-encoding"];
    const onward = request({ hostname, port, method, path: url, headers, agent: this.#agent }, (theirs) => {
      const isStream = theirs.headers["content-type"]?.startsWith("text/event-stream");
      if (isStream) this.#cutLater(answer.socket);
      if (isStream && this.buffers) return this.#holdBack(theirs, answer);
      if (this.isDeveloping && theirs.headers["content-type"]?.startsWith("text/html")) {
        return this.#addPanel(theirs, answer);
      }
      answer.writeHead(theirs.statusCode, theirs.headers);
      answer.flushHeaders();
      theirs.pipe(answer);
      theirs.on("error", () => answer.destroy());
    });
    // A poll is cut while it waits for its answer.
    if (path === "/api/sync/changes") this.#cutLater(answer.socket);
    answer.on("close", () => onward.destroy());
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
  }

  #holdBack(theirs, answer) {
    const pieces = [];
    theirs.on("data", (piece) => pieces.push(piece));
    theirs.on("error", () => answer.destroy());
    theirs.on("end", () => {
      answer.writeHead(theirs.statusCode, theirs.headers);
      answer.end(Buffer.concat(pieces));
    });
  }

  #listen(answer) {
    answer.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    answer.flushHeaders();
    this.#developers.add(answer);
    answer.on("close", () => this.#developers.delete(answer));
  }

  #addPanel(theirs, answer) {
    const { "content-length": _, etag: __, ...headers } = theirs.headers;
    answer.writeHead(theirs.statusCode, headers);
    theirs.on("data", (piece) => answer.write(piece));
    theirs.on("end", () => answer.end('\n<script type="module" src="/swain-devtools.js"></script>\n'));
  }

  #upgrade(asked, socket, head) {
    this.asked.push(asked.url);
    if (this.refusesUpgrade) {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    const onward = connect(Number(this.#target.port), this.#target.hostname, () => {
      const lines = [`${asked.method} ${asked.url} HTTP/1.1`];
      for (let i = 0; i < asked.rawHeaders.length; i += 2) {
        lines.push(`${asked.rawHeaders[i]}: ${asked.rawHeaders[i + 1]}`);
      }
      onward.write(`${lines.join("\r\n")}\r\n\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    this.#cutLater(socket);
    socket.on("close", () => onward.destroy());
    onward.on("close", () => socket.destroy());
    onward.on("error", () => socket.destroy());
  }

  #cutLater(socket) {
    if (this.cutMs === null || socket === null) return;
    const timer = setTimeout(() => socket.destroy(), this.cutMs);
    socket.on("close", () => clearTimeout(timer));
  }
}
