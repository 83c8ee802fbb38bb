// The connections of tests/vectors/hostile.json, for a page's own HTTP: a token endpoint answers
// refreshes with them. What browsers make of HTTP that is broken differs; the file says how.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  advance,
  create,
  eventually,
  inBrowsers,
  loggedIn,
  reload,
  startLogin,
  status,
} from "./harness/world.mjs";

const FILE = new URL("../vectors/hostile.json", import.meta.url);
const { mutations, outcomes } = JSON.parse(readFileSync(FILE, "utf8"));
const CASES = mutations.filter(({ wire }) => wire !== undefined);

/** How long a token lasts, and how long an answer may take, in seconds. */
const LIFETIME = 3600;
const TIMEOUT = 30;
/** A lost reply is asked for again, and some browsers do so by themselves once more. */
const REQUESTS = 4;
/** The marker of every token of a test: see tests/SERVER.md. */
const CANARY = "Y2FuYXJ5";
const GOOD = {
  wire: ["HTTP/1.1 200 OK\r\nContent-Length: ", { length: true }, "\r\n\r\n", { good: true }],
};
const DEVICE = {
  device_code: `device-${CANARY}`,
  user_code: "ABCD-EFGH",
  verification_uri: "http://127.0.0.1/activate",
  expires_in: 300,
  interval: 1,
};

inBrowsers("hostile answers of a token endpoint", async (world) => {
  assert.ok(CASES.length > 60, `${CASES.length} cases`);
  const elsewhere = await world.raw(() => ({ bytes: "" }));
  /** What the endpoint answers, and the number of the tokens in a good answer. */
  let mutation = GOOD;
  let number = 0;
  let late = () => {};
  const server = await world.raw((request) => {
    if (request.startsWith("POST /device")) return bytesOf(GOOD, DEVICE);
    late();
    return bytesOf(mutation, tokens(number), elsewhere.url);
  });
  const page = await world.tab();
  await page.evaluate(() => hold());
  const options = {
    clientId: "client_test",
    endpoints: { deviceAuthorization: `${server.url}/device`, token: `${server.url}/token` },
  };
  await create(page, options);
  await startLogin(page);
  await advance(1, page);
  assert.deepEqual(await loggedIn(page), { value: null });

  const failures = [];
  for (mutation of CASES) {
    const allowed = [mutation.class, mutation.browsers].flatMap(outcomeOf);
    late = () => void (allowed.includes("timeout") && advance(TIMEOUT, page));
    server.requests.length = 0;
    const current = number;
    number += 1;
    await advance(LIFETIME, page);
    const { value, code, message } = await page.evaluate(() => outcome(auth.token()));
    const ended = value === tokens(number).access_token ? "done" : (code ?? "another token");
    if (ended !== "done") number = current;
    const problem = (is, what) => is && failures.push(`${mutation.name}: ${what}`);
    problem(!allowed.includes(ended), `${ended} in place of ${allowed}`);
    problem(message?.includes(CANARY), "the message has a token in it");
    problem(server.requests.length > REQUESTS, `${server.requests.length} requests`);
    // The session is kept: it goes on from the tokens that it had before.
    const sent = server.requests.map((request) => refreshTokenOf(request));
    problem(sent.some((token) => token !== tokens(current).refresh_token), "another refresh token");
    problem((await status(page)) !== "signedIn", "not signed in any more");
  }
  assert.deepEqual(failures, []);
  // What has no end is not read any more, however much a slow browser had taken of it.
  await eventually(() => server.endless, (answers) => answers === 0);
  assert.equal(elsewhere.connections, 0, "nothing leads elsewhere");

  mutation = GOOD;
  late = () => {};
  await reload(page);
  await create(page, options);
  server.requests.length = 0;
  assert.ok((await page.evaluate(() => outcome(auth.token()))).value);
  assert.deepEqual(server.requests.map(refreshTokenOf), [tokens(number).refresh_token]);
});

function tokens(number) {
  return {
    access_token: `access-${CANARY}-${number}`,
    refresh_token: `refresh-${CANARY}-${number}`,
    token_type: "Bearer",
    expires_in: LIFETIME,
  };
}

function outcomeOf(of) {
  return of === undefined ? [] : of === "same" ? ["done"] : [outcomes[of]];
}

function refreshTokenOf(request) {
  return new URLSearchParams(request.slice(request.indexOf("\r\n\r\n") + 4)).get("refresh_token");
}

/** What is written to a connection: tests/tests/vectors/hostile.rs has the form. */
function bytesOf({ wire, again, end }, answer, elsewhere) {
  const good = JSON.stringify(answer);
  const text = (part) => {
    if (typeof part === "string") return part;
    if (typeof part === "number") return String.fromCharCode(part);
    if (Array.isArray(part)) return part.map(text).join("");
    if ("$repeat" in part) return part.$repeat[0].repeat(part.$repeat[1]);
    if ("good" in part) return good;
    if ("length" in part) return String(good.length);
    if ("chunk" in part) return `${good.length.toString(16)}\r\n${good}\r\n`;
    assert.ok("elsewhere" in part);
    return elsewhere;
  };
  // Without this a page sees nothing of an answer.
  const head = "$1$2Access-Control-Allow-Origin: *$2";
  const first = text(wire).replace(/^(HTTP\/\S+ [^\r\n]*)(\r?\n)/gm, head);
  const [bytes, more] = [first, text(again ?? "")].map((part) => Buffer.from(part, "latin1"));
  return { bytes, again: more.length > 0 ? more : undefined, end };
}
