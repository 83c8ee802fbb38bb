// What `bothLogins` of fixtures/whole-login.js has to find, in every program.

import assert from "node:assert/strict";

const LOGIN = {
  tokenBefore: "not_signed_in",
  abortedLogin: "aborted by the page",
  prompts: 1,
  prompt: { userCode: true, verificationUri: "/device", expiresAt: true },
  email: "ada@example.com",
  token: "string",
  sameToken: true,
  me: 200,
  accounts: ["Ada Lovelace", "Analytical Engines", "Navy Computing"],
  echoed: true,
  reopened: "signedIn",
  revoked: true,
  tokenAfter: "not_signed_in",
  statuses: ["signedOut", "signedIn", "signedOut"],
};

/** `results` are what programs found, `server` the one that they signed in at. */
export async function assertBothLogins(server, ...results) {
  for (const result of results) assert.deepEqual(result, { standard: LOGIN, workos: LOGIN });
  const logins = 2 * results.length;
  const { sign_ins, revocations, sign_outs, refreshes } = await server.stats();
  assert.deepEqual({ sign_ins, refreshes }, { sign_ins: logins, refreshes: 0 });
  assert.equal(revocations + sign_outs, logins, "every session ended at the server");
}
