// Reads tokens, one a line, and writes what the official JavaScript library makes of each: {claims} or {error}.
import { createInterface } from "node:readline";
import { decode } from "@nats-io/jwt";

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify({ claims: decode(line) }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error.message) }));
  }
}
