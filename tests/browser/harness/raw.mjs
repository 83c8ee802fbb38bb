// A server that writes to a connection what it is told to, byte by byte.

import { createServer } from "node:net";

/** The pause between the bytes of a slow server, in milliseconds. */
const PAUSE = 5;

/**
 * Answers every request with `{bytes, again, end}` of `answer`, and each connection once; `endless`
 * counts the answers without end that somebody still takes.
 */
export async function startRaw(answer) {
  const raw = { connections: 0, requests: [], endless: 0 };
  const sockets = new Set();
  const server = createServer((socket) => {
    raw.connections += 1;
    sockets.add(socket);
    // The client goes when it has enough.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let request = "";
    socket.on("data", (chunk) => {
      request += chunk.toString("latin1");
      if (!isWhole(request)) return;
      raw.requests.push(request);
      void write(raw, socket, answer(request));
      request = "";
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  raw.url = `http://127.0.0.1:${server.address().port}`;
  raw.stop = () =>
    new Promise((closed) => {
      server.close(closed);
      for (const socket of sockets) socket.destroy();
    });
  return raw;
}

function isWhole(request) {
  const head = request.indexOf("\r\n\r\n");
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(request)?.[1] ?? 0);
  return head >= 0 && request.length >= head + 4 + length;
}

async function write(raw, socket, { bytes, again, end }) {
  socket.write(bytes);
  raw.endless += 1;
  while (again && !socket.destroyed) {
    const taken = socket.write(again);
    if (!taken) await happened(socket, "drain");
    else if (end === "slow") await new Promise((pause) => setTimeout(pause, PAUSE));
  }
  raw.endless -= 1;
  if (end !== "hang") socket.end();
}

function happened(socket, event) {
  return new Promise((happened) => {
    const over = () => {
      socket.off(event, over);
      socket.off("close", over);
      happened();
    };
    socket.once(event, over);
    socket.once("close", over);
  });
}
