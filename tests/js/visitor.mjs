// A page's part, played by the official client: connects as a browser does, listens, asks, and tries what it may not.
// Reads {url, cookie, origin, inbox, listen, ask, forbidden} on standard input; writes a line of JSON for each event.
import { readFileSync } from "node:fs";
import { wsconnect } from "@nats-io/nats-core";
import WebSocket from "ws";

const say = (event) => console.log(JSON.stringify(event));
const job = JSON.parse(readFileSync(0, "utf8"));
const headers = { Cookie: job.cookie, Origin: job.origin };

try {
  const nc = await wsconnect({
    servers: job.url,
    inboxPrefix: job.inbox,
    reconnect: false,
    timeout: 5000,
    wsFactory: async (url) => {
      const socket = new WebSocket(url, { headers });
      socket.binaryType = "arraybuffer";
      return { socket, encrypted: String(url).startsWith("wss:") };
    },
  });
  const refused = new Promise((resolve) => {
    nc.subscribe(job.forbidden, { callback: (error) => error && resolve(error.message) });
  });
  const heard = new Promise((resolve) => {
    nc.subscribe(job.listen, { max: 1, callback: (error, message) => resolve(error?.message ?? message.string()) });
  });
  await nc.flush();
  say({ connected: true });
  say({ heard: await heard });
  say({ answer: (await nc.request(job.ask, "how much", { timeout: 5000 })).string() });
  say({ refused: await refused });
  await nc.close();
} catch (error) {
  say({ failed: `${error.name}: ${error.message}` });
}
