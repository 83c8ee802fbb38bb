// A browser without a screen: cookies, redirects, and what a person sees of a page.

import { request as http } from 'node:http';
import { request as https } from 'node:https';

const MOST_REDIRECTS = 20;

export class Browser {
  /** What it keeps, as JSON, for the next time. */
  cookies;
  #ports;
  #ca;

  /** `ports`: host name -> port on loopback, instead of the real host. `ca`: PEM to trust, alone. */
  constructor({ cookies = [], ports = {}, ca }) {
    this.cookies = cookies;
    this.#ports = ports;
    this.#ca = ca;
  }

  /**
   * Opens a page; with a body by POST. Stops before a URL that `leaves` says yes to.
   *
   * The answer is {url, status, title, text, form, denial}, or only {url} of where it stopped.
   */
  async open(url, { body, leaves = () => false } = {}) {
    for (let hop = 0; hop < MOST_REDIRECTS; hop += 1) {
      if (leaves(url)) return { url };
      const response = await this.#send(url, body);
      const next = response.headers.location;
      if (next === undefined) return read(url, response.status, response.text);
      url = new URL(next, url);
      body = undefined;
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects`);
  }

  #send(url, body) {
    const port = this.#ports[url.hostname];
    const send = url.protocol === 'https:' ? https : http;
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      // Each request on a connection of its own, so that no listener is kept busy.
      agent: false,
      ca: this.#ca,
      ...(port === undefined ? {} : { hostname: '127.0.0.1', port, servername: url.hostname }),
      headers: {
        host: url.host,
        accept: 'text/html',
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...this.#cookieHeader(url),
      },
    };
    return new Promise((resolve, reject) => {
      const request = send(url, options, (response) => {
        this.#keepCookies(response, url);
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, text }));
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end(body?.toString());
    });
  }

  #keepCookies(response, url) {
    for (const line of response.headers['set-cookie'] ?? []) {
      const [pair, ...attributes] = line.split(/; */);
      const name = pair.slice(0, pair.indexOf('='));
      const path = attributes.find((a) => /^path=/i.test(a))?.slice(5) ?? '/';
      const gone = attributes.some((a) => /^expires=/i.test(a) && new Date(a.slice(8)) < new Date());
      const old = this.cookies.findIndex((c) =>
        c.host === url.host && c.name === name && c.path === path);
      if (old >= 0) this.cookies.splice(old, 1);
      if (!gone) this.cookies.push({ host: url.host, name, path, pair });
    }
  }

  #cookieHeader(url) {
    const fitting = this.cookies.filter(({ host, path }) =>
      host === url.host && url.pathname.startsWith(path));
    return fitting.length === 0 ? {} : { cookie: fitting.map(({ pair }) => pair).join('; ') };
  }
}

function read(url, status, html) {
  const [, title = ''] = /<title>([^<]*)/i.exec(html) ?? [];
  const [, attributes, inside] = /<form([^>]*)>([\s\S]*?)<\/form>/i.exec(html) ?? [];
  const buttons = tags(html, 'button').concat(tags(html, 'input'));
  const denies = ({ type, name, value }) => type === 'submit' && /abort|deny|cancel/i.test(`${name} ${value}`);
  return {
    url,
    status,
    title: unescape(title),
    text: textOf(html),
    form: inside === undefined
      ? undefined
      : { ...parseAttributes(attributes), inputs: tags(inside, 'input') },
    // A button of the form, or a link beside it.
    denial: buttons.find(denies) ?? tags(html, 'a').find(({ href }) => /\/(abort|deny|cancel)$/i.test(href)),
  };
}

function textOf(html) {
  const visible = html
    .replace(/<(style|script|title)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ');
  return unescape(visible).replace(/\s+/g, ' ').trim();
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
