// The person at the browser: opens a link and goes through the pages as their forms ask.
//
//   node person.mjs VERIFICATION_URI_COMPLETE
//   node person.mjs VERIFICATION_URI USER_CODE
//   node person.mjs AUTHORIZATION_URL            (code + PKCE: goes on to the client's callback)
//   options: --deny   --login NAME (otherwise what the page proposes, or ada)   --password WORD
//            --cookies FILE (of a browser that was here before)
//            --port HOST=PORT (HOST is on loopback)   --ca FILE (the only authorities to trust)
//   of the callback, which is where the link's `redirect_uri` points to:
//            --stay (it is not opened)
//            --set NAME=VALUE, --unset NAME (it is opened with another query)
//            --then-true (after that, it is opened as the server sent it)
//            --twice (the last page is opened again)
//
// It knows no route of any server, only what is on the page: it types the code and the name, and
// presses the button. Prints one line of JSON, or writes it to the address of --report:
//
//   {"outcome": "approved" | "denied", "callback": URL or null,
//    "pages": [{"url", "status", "title", "text"}]}
//
// `pages` are the last one or, with a callback, what was seen there. Exits 1, and says why, when it
// is stuck, or when the last page of somebody who approved is an error (unless it is the callback).

import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { Browser } from './browser.mjs';

const STEPS = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    deny: { type: 'boolean' },
    login: { type: 'string' },
    password: { type: 'string', default: 'any' },
    cookies: { type: 'string' },
    port: { type: 'string', multiple: true, default: [] },
    ca: { type: 'string' },
    stay: { type: 'boolean' },
    set: { type: 'string', multiple: true, default: [] },
    unset: { type: 'string', multiple: true, default: [] },
    'then-true': { type: 'boolean' },
    twice: { type: 'boolean' },
    report: { type: 'string' },
  },
});

try {
  await report(await goThrough());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
  if (values.report !== undefined) await report({ error: error.message });
}

async function goThrough() {
  const [link, userCode = ''] = positionals;
  const typed = {
    user_code: userCode,
    login: values.login ?? 'ada',
    password: values.password,
  };
  const browser = new Browser({
    cookies: existsSync(values.cookies ?? '') ? JSON.parse(readFileSync(values.cookies)) : [],
    ports: Object.fromEntries(values.port.map(pair)),
    ca: values.ca === undefined ? undefined : readFileSync(values.ca),
  });
  const redirectUri = new URL(link).searchParams.get('redirect_uri');
  const leaves = (url) => redirectUri !== null && url.href.split('?')[0] === redirectUri;

  let denied = false;
  let page = await browser.open(new URL(link), { leaves });
  for (let step = 0; page.form !== undefined && !denied; step += 1) {
    if (step === STEPS) throw new Error(`still a form after ${STEPS} pages`);
    denied = values.deny === true && page.denial !== undefined;
    page = await press(browser, page, denied, typed, leaves);
  }
  if (values.deny && !denied) throw new Error('found no button to deny with');
  const isCallback = page.status === undefined;
  // A denial is answered by an error page, by the empty form, or at the callback.
  if (!denied && page.status >= 400) {
    throw new Error(`the last page says ${page.status}: ${page.title} ${page.text}`);
  }
  const pages = isCallback ? await visits(browser, page.url) : [page];
  if (values.cookies !== undefined) writeFileSync(values.cookies, JSON.stringify(browser.cookies));
  return {
    outcome: denied ? 'denied' : 'approved',
    callback: isCallback ? page.url.href : null,
    pages: pages.map(({ url, status, title, text }) => ({ url: url.href, status, title, text })),
  };
}

/** What the client answers at its callback. */
async function visits(browser, callback) {
  if (values.stay) return [];
  const changed = new URL(callback);
  for (const [name, value] of values.set.map(pair)) changed.searchParams.set(name, value);
  for (const name of values.unset) changed.searchParams.delete(name);
  const urls = values['then-true'] ? [changed, callback] : [changed];
  if (values.twice) urls.push(urls.at(-1));
  const pages = [];
  for (const url of urls) {
    // A browser that cannot connect shows a page as well, of its own.
    const failed = (error) => ({ url, status: 0, title: '', text: error.message });
    pages.push(await browser.open(url).catch(failed));
  }
  return pages;
}

function press(browser, { url, form, denial }, denied, typed, leaves) {
  if (denied && denial.href !== undefined) return browser.open(new URL(denial.href, url), { leaves });
  const fields = new URLSearchParams();
  for (const input of form.inputs.filter(({ name }) => name !== undefined)) {
    // Who was told a name types it over one that the page proposes.
    const own = input.name === 'login' ? values.login : undefined;
    const value = own ?? input.value ?? typed[input.name] ?? '';
    if (value === '') throw new Error(`nothing to type into ${input.name}`);
    fields.set(input.name, value);
  }
  if (denied) fields.set(denial.name, denial.value);
  const target = new URL(form.action ?? '', url);
  if (form.method?.toLowerCase() === 'post') return browser.open(target, { body: fields, leaves });
  target.search = fields;
  return browser.open(target, { leaves });
}

function pair(text) {
  const at = text.indexOf('=');
  if (at < 0) throw new Error(`expected NAME=VALUE: ${text}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

async function report(result) {
  const line = `${JSON.stringify(result)}\n`;
  if (values.report === undefined) return void process.stdout.write(line);
  const { hostname, port } = new URL(`tcp://${values.report}`);
  const socket = connect(Number(port), hostname).end(line);
  await once(socket, 'close');
}
