// Who is known, and what belongs to whom.

const MANY = 300;

/** The cloud's organizations by name; `auth_id` is what the login server calls them. */
export const organizations = {
  analytical: {
    id: 'clorganalytical0000000001',
    auth_id: 'org_analytical',
    name: 'Analytical Engines',
    workspaces: ['Production'],
  },
  compilers: {
    id: 'clorgcompilers00000000001',
    auth_id: 'org_compilers',
    name: 'Compilers',
    workspaces: ['COBOL', 'FLOW-MATIC', 'Mark I'],
  },
  navy: {
    id: 'clorgnavy0000000000000001',
    auth_id: 'org_navy',
    name: 'Navy Reserve',
    workspaces: ['Norfolk'],
  },
  empty: {
    id: 'clorgempty000000000000001',
    auth_id: 'org_empty',
    name: 'Empty Rooms',
    workspaces: [],
  },
  ...Object.fromEntries(numbered(MANY, (n) => [`many${n}`, {
    id: `clorgmany${String(n).padStart(16, '0')}`,
    auth_id: `org_many${n}`,
    name: `Organization ${n}`,
    workspaces: [`Workspace ${n}`],
  }])),
};

/**
 * The cloud's users by what they type at the sign-in page, which may be the email as well.
 * Anybody else can sign in too, and belongs to nothing.
 */
export const users = {
  ada: { email: 'ada@example.com', name: 'Ada Lovelace', organizations: ['analytical'] },
  grace: { email: 'grace@example.com', name: 'Grace Hopper', organizations: ['compilers', 'navy'] },
  edsger: { email: 'edsger@example.com', name: 'Edsger Dijkstra', organizations: ['empty'] },
  alan: { email: 'alan@example.com', name: 'Alan Turing', organizations: [] },
  many: {
    email: 'many@example.com',
    name: 'Many Hats',
    organizations: numbered(MANY, (n) => `many${n}`),
  },
};

/** Houston's users. One without a password has come by OAuth. */
export const houstonUsers = {
  ada: user('Ada Lovelace', 'ada', 'engine', ['Production']),
  grace: user('Grace Hopper', 'grace', 'nanosecond', ['COBOL', 'FLOW-MATIC', 'Mark I']),
  alan: user('Alan Turing', 'alan', 'enigma', []),
  edsger: user('Edsger Dijkstra', 'edsger', null, ['Semaphores']),
  kay: { ...user('Kay McNulty', 'kay', 'eniac', []), status: 'pending' },
  rob: { ...user('Rob Banned', 'rob', 'banned', []), status: 'banned' },
};

function user(fullName, name, password, workspaces) {
  return {
    id: `ckuser${name.padEnd(19, '0')}`,
    fullName,
    username: `${name}@example.com`,
    password,
    status: 'active',
    workspaces: workspaces.map((label, n) => ({ id: `ckws${name.padEnd(18, '0')}${n + 100}`, label })),
  };
}

function numbered(count, make) {
  return Array.from({ length: count }, (_, n) => make(n + 1));
}
