// Software's app, as far as a login needs it: GET /token shows who signs in there a token to paste.
// Any password is right, because it is another provider that asks for it.

import { bodyOf } from '../control.mjs';

export function startApp(server, tokenFor, config, control) {
  control.watch('app', server, async (request, response) => {
    const [status, title, html] = await page(request, tokenFor, config);
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(`<!DOCTYPE html><title>${title}</title><h1>${title}</h1>${html}`);
  });
}

async function page(request, tokenFor, config) {
  const { pathname } = new URL(request.url, 'http://unused');
  if (pathname !== '/token') return [404, 'Not found', ''];
  if (request.method !== 'POST') {
    return [200, 'Sign in', `<form method="post">
      <input name="login" placeholder="Any user"><input name="password" type="password">
      <button>Sign in</button></form>`];
  }
  const login = new URLSearchParams(await bodyOf(request)).get('login');
  const user = config.houston_users[login];
  if (user === undefined) return [403, 'Unknown user', ''];
  return [200, 'Your token', `<textarea readonly id="token">${tokenFor(user)}</textarea>`];
}
