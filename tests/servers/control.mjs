// What a test sees and changes of servers while they run, on a port of its own:
//
//   GET  /requests  {"requests": [{server, method, path, query, headers, body, status}]}, in their
//                   order of arrival; `body` is parsed where it is JSON or a form
//   GET  /issued    {"issued": [...]}: every secret that was given out, for searching logs
//   POST /set       {"option": value}: changes options from now on; answers the old values
//
// And the option `faults`, a list, of which the first that fits is used:
//
//   server, method, path     what it fits; anything, where left out
//   times                    how often, then it is used up; without it, always
//   status, body, headers    an answer instead of the server's (a body that is no string is JSON)
//   drop: true               the request is processed, and the connection breaks before the answer
//   hang: true               the request is not processed, and nothing is ever answered

import { createServer } from 'node:http';

export class Control {
  requests = [];
  issued = [];
  /** More routes: {"POST /tokens": async (body) => answer}. */
  routes = {
    'GET /requests': () => ({ requests: this.requests.map(listed) }),
    'GET /issued': () => ({ issued: this.issued }),
    'POST /set': (changes) => this.#set(changes),
  };
  #config;

  constructor(config) {
    this.#config = config;
  }

  /** Hands the requests to `server` on to `handle`, and keeps them. */
  watch(name, server, handle) {
    server.on('request', (request, response) => {
      const entry = recorded(name, request, response);
      this.requests.push(entry);
      const fault = this.#fault(entry);
      if (fault?.hang) return;
      if (fault?.drop) breakBeforeAnswer(request, response);
      else if (fault !== undefined) return void answer(request, response, fault);
      handle(request, response);
    });
  }

  /** Starts to listen, and says where. */
  listen() {
    const server = createServer((request, response) => {
      this.#control(request).then(
        (body) => response.end(JSON.stringify(body)),
        (error) => response.writeHead(400).end(JSON.stringify({ error: error.message })),
      );
    });
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
    });
  }

  async #control(request) {
    const route = this.routes[`${request.method} ${request.url}`];
    if (route === undefined) throw new Error(`no ${request.method} ${request.url} here`);
    const body = await bodyOf(request);
    return route(body === '' ? {} : JSON.parse(body));
  }

  #set(changes) {
    const before = {};
    for (const [name, value] of Object.entries(changes)) {
      if (!(name in this.#config)) throw new Error(`unknown option: ${name}`);
      before[name] = this.#config[name];
      this.#config[name] = value;
    }
    return before;
  }

  #fault(entry) {
    const fits = (fault) => ['server', 'method', 'path'].every((name) =>
      fault[name] === undefined || fault[name] === entry[name]);
    const fault = this.#config.faults.find((fault) => fault.times !== 0 && fits(fault));
    if (fault?.times !== undefined) fault.times -= 1;
    return fault;
  }
}

/** The whole body as text. */
export async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function recorded(server, request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://unused');
  const entry = {
    server,
    method: request.method,
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers: request.headers,
    chunks: [],
    response,
  };
  // Whoever reads the body, and whenever, it comes past here.
  const emit = request.emit;
  request.emit = function (event, ...given) {
    if (event === 'data') entry.chunks.push(Buffer.from(given[0]));
    return emit.call(this, event, ...given);
  };
  return entry;
}

function listed({ chunks, response, ...entry }) {
  const text = Buffer.concat(chunks).toString();
  const status = response.headersSent ? response.statusCode : null;
  return { ...entry, body: parsed(text, entry.headers['content-type'] ?? ''), status };
}

function parsed(text, type) {
  if (type.startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    return type.startsWith('application/json') ? JSON.parse(text) : text;
  } catch {
    return text;
  }
}

function breakBeforeAnswer(request, response) {
  response.write = () => true;
  response.end = () => {
    request.socket.destroy();
    return response;
  };
}

function answer(request, response, { status = 200, body = '', headers = {} }) {
  const isText = typeof body === 'string';
  request.resume();
  response.writeHead(status, {
    'content-type': isText ? 'text/html' : 'application/json',
    ...headers,
  });
  response.end(isText ? body : JSON.stringify(body));
}
