import type { Astropass } from "astropass";

/** Somebody or something that projects belong to. */
export interface Account {
  id: string;
  name: string;
  role: string;
  /** Absent for a person's own account. */
  organization: string | undefined;
}

export interface Project {
  id: string;
  name: string;
  account: string;
}

export async function accounts(auth: Astropass, signal: AbortSignal): Promise<Account[]> {
  const rows = await list(auth, "/api/v1/me", "accounts", signal);
  return rows.map((row) => ({
    id: text(row, "id"),
    name: text(row, "name"),
    role: text(row, "role"),
    organization: row["workos_org_id"] == null ? undefined : text(row, "workos_org_id"),
  }));
}

export async function projects(auth: Astropass, signal: AbortSignal): Promise<Project[]> {
  const rows = await list(auth, "/api/v1/projects", "projects", signal);
  return rows.map((row) => ({
    id: text(row, "id"),
    name: text(row, "name"),
    account: text(row, "account"),
  }));
}

type Row = Record<string, unknown>;

/** The list under `name`; what is not of the promised shape is an error, not an empty list. */
async function list(auth: Astropass, path: string, name: string, signal: AbortSignal) {
  const response = await auth.fetch(path, { signal });
  if (!response.ok) throw new Error(`The server answered with HTTP ${response.status}.`);
  const body: unknown = await response.json();
  const rows = isRow(body) ? body[name] : undefined;
  if (!Array.isArray(rows) || !rows.every(isRow)) throw malformed(name);
  return rows;
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null;
}

function text(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== "string") throw malformed(name);
  return value;
}

function malformed(name: string): Error {
  return new Error(`The server's answer has no usable "${name}".`);
}
