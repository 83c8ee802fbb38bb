// Signs in from Node.js, says who you are, and calls the API as you.
//
//   make package   builds the npm package, once, in the repository's root
//   npm install && npm start -- --client-id client_… --server https://api.example.com
//
//   --issuer URL   a standard provider, instead of WorkOS
//   --file FILE    keeps the session there, for the next time; otherwise it ends with this program
//   --sign-out     ends it
//
// Two programs that share a FILE may refresh at the same moment, and a strict server then ends the
// session: tools that share one use `ast` or the Rust crate, which lock.

import { parseArgs } from "node:util";
import { Astropass, AstropassError } from "astropass";
import { FileStorage } from "./file-storage.js";

const { values } = parseArgs({
  options: {
    "client-id": { type: "string" },
    server: { type: "string" },
    issuer: { type: "string" },
    file: { type: "string" },
    "sign-out": { type: "boolean" },
  },
});

const { "client-id": clientId, server, issuer, file } = values;

if (!clientId || !server) {
  console.error("--client-id and --server are needed");
  process.exitCode = 2;
} else {
  await main().catch((error) => {
    if (!(error instanceof AstropassError)) throw error;
    console.error(`${error.message} (${error.code})`);
    process.exitCode = 1;
  });
}

async function main() {
  const auth = await Astropass.create({
    clientId,
    server,
    ...(issuer ? { issuer } : { provider: "workos" }),
    storage: file ? new FileStorage(file) : "memory",
  });
  try {
    await (values["sign-out"] ? signOut(auth) : callApi(auth));
  } finally {
    await auth.close();
  }
}

async function callApi(auth) {
  if (auth.state.status !== "signedIn") await signIn(auth);
  const { user } = auth.state;
  console.error(`You are ${user?.name ?? user?.email ?? user?.id ?? "signed in"}.`);
  const response = await auth.fetch("/api/v1/me");
  console.log(await response.text());
}

async function signIn(auth) {
  await auth.login({
    onPrompt: ({ userCode, verificationUri, verificationUriComplete }) => {
      console.error(`Open ${verificationUriComplete ?? verificationUri}`);
      console.error(`and compare or type the code ${userCode}`);
    },
  });
}

async function signOut(auth) {
  const { revoked } = await auth.logout();
  console.error(revoked === false ? "Signed out here; the server did not confirm." : "Signed out.");
}
