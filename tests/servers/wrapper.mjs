// What the servers share: options in, a loopback socket, one ready line out, an end with stdin.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

/** The options: one JSON object as the only argument, over these defaults. */
export function options(defaults) {
  const given = JSON.parse(process.argv[2] ?? '{}');
  const unknown = Object.keys(given).filter((name) => !(name in defaults));
  if (unknown.length > 0) throw new Error(`unknown option: ${unknown.join(', ')}`);
  return { ...defaults, ...given };
}

/**
 * Listens on 127.0.0.1 only; port 0 takes a free one. The caller adds its request handler.
 * With `tls`, the files of a certificate chain and its key, it speaks nothing but TLS.
 */
export function listen(port, tls = null) {
  const server = tls === null
    ? createServer()
    : createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) });
  // An idle connection that ends just when it is used again costs a client its request.
  server.keepAliveTimeout = 0;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve({ server, port: server.address().port });
    });
  });
}

/** Says in one line of JSON that requests can come, and stops when the starter closes stdin. */
export function ready(facts) {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
  process.stdin.on('close', () => process.exit(0));
  process.stdin.resume();
}
