// The person at the browser: opens a link and goes through the pages as their forms ask.
//
//   node approve.mjs VERIFICATION_URI_COMPLETE
//   node approve.mjs VERIFICATION_URI USER_CODE
//   node approve.mjs AUTHORIZATION_URL            (code + PKCE: goes on to the client's callback)
//   options: --deny   --login NAME   --cookies FILE (of a browser that was here before)
//
// It knows no route of any server, only what is on the page: it types the code and the name, and
// presses the button. Prints {"outcome": "approved" | "denied", "page": TITLE}; exits 1 otherwise.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const STEPS = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    deny: { type: 'boolean' },
    login: { type: 'string', default: 'ada' },
    cookies: { type: 'string' },
  },
});
const [link, userCode = ''] = positionals;
const typed = { user_code: userCode, login: values.login, password: 'any' };
const cookies = existsSync(values.cookies ?? '') ? JSON.parse(readFileSync(values.cookies)) : [];

let page = await open(new URL(link));
let denied = false;
for (let step = 0; page.form !== undefined; step += 1) {
  if (step === STEPS) fail(`still a form after ${STEPS} pages`);
  const fields = fill(page.form);
  if (values.deny && denied) fail('denied, and asked again');
  if (values.deny && page.denial !== undefined) {
    fields.set(page.denial.name, page.denial.value);
    denied = true;
  }
  page = await submit(page, fields);
  if (denied) break;
}
// A denial is answered by an error page or by the empty form, never by a page that says it went well.
if (!denied && page.status >= 400) fail(`the last page says ${page.status}: ${page.title}`);
if (values.deny && !denied) fail('found no button to deny with');
if (values.cookies !== undefined) writeFileSync(values.cookies, JSON.stringify(cookies));
console.log(JSON.stringify({ outcome: denied ? 'denied' : 'approved', page: page.title }));

function fail(why) {
  console.error(why);
  process.exit(1);
}

function fill(form) {
  const fields = new URLSearchParams();
  for (const tag of tags(form.html, 'input')) {
    if (tag.name === undefined) continue;
    const value = tag.value ?? typed[tag.name] ?? '';
    if (value === '') fail(`nothing to type into ${tag.name}`);
    fields.set(tag.name, value);
  }
  return fields;
}

function submit({ url, form }, fields) {
  const target = new URL(form.action ?? '', url);
  if (form.method?.toLowerCase() === 'post') return open(target, fields);
  target.search = fields;
  return open(target);
}

async function open(url, body) {
  for (let hop = 0; hop < STEPS; hop += 1) {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { cookie: cookieHeader(url) },
      body,
      redirect: 'manual',
    });
    keepCookies(response, url);
    const next = response.headers.get('location');
    if (next === null) return read(url, response.status, await response.text());
    url = new URL(next, url);
    body = undefined;
  }
  return fail(`more than ${STEPS} redirects`);
}

function read(url, status, html) {
  const [, title] = /<title>([^<]*)/i.exec(html) ?? [];
  const [, attributes, inside] = /<form([^>]*)>([\s\S]*?)<\/form>/i.exec(html) ?? [];
  const buttons = tags(html, 'button').concat(tags(html, 'input'));
  return {
    url,
    status,
    title,
    form: inside === undefined ? undefined : { ...parseAttributes(attributes), html: inside },
    denial: buttons.find(({ type, name, value }) =>
      type === 'submit' && /abort|deny|cancel/i.test(`${name} ${value}`)),
  };
}

function tags(html, name) {
  return [...html.matchAll(new RegExp(`<${name}\\b([^>]*)>`, 'gi'))].map(([, attributes]) =>
    parseAttributes(attributes));
}

function parseAttributes(text) {
  const entries = [...text.matchAll(/([\w-]+)="([^"]*)"/g)];
  return Object.fromEntries(entries.map(([, name, value]) => [name, unescape(value)]));
}

function unescape(text) {
  return text
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(code))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

function keepCookies(response, url) {
  for (const line of response.headers.getSetCookie()) {
    const [pair, ...attributes] = line.split(/; */);
    const name = pair.slice(0, pair.indexOf('='));
    const path = attributes.find((a) => /^path=/i.test(a))?.slice(5) ?? '/';
    const gone = attributes.some((a) => /^expires=/i.test(a) && new Date(a.slice(8)) < new Date());
    const old = cookies.findIndex((c) => c.host === url.host && c.name === name && c.path === path);
    if (old >= 0) cookies.splice(old, 1);
    if (!gone) cookies.push({ host: url.host, name, path, pair });
  }
}

function cookieHeader(url) {
  return cookies
    .filter(({ host, path }) => host === url.host && url.pathname.startsWith(path))
    .map(({ pair }) => pair)
    .join('; ');
}
