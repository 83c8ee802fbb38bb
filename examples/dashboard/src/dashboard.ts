import type { Astropass, AuthState, SignedIn } from "astropass";
import { accountsPanel } from "./accounts";
import { describe, isConnection } from "./advice";
import { announce } from "./announce";
import { accounts, projects, type Account } from "./api";
import { button, el } from "./dom";
import { icon } from "./icon";
import { projectsTable } from "./projects";
import { keepFresh, sessionPanel } from "./session";
import type { View } from "./view";

/** What somebody who is signed in sees. */
export function dashboardView(auth: Astropass, first: SignedIn, canSwitch: boolean): View {
  const heading = el("h1", { id: "projects-title", tabindex: "-1" }, "Projects");
  const subtitle = el("p", { class: "lead" });
  const reload = button("button", () => void load(), icon("reload"), "Reload");
  const table = projectsTable();
  const person = el("section", { class: "panel", "aria-labelledby": "person-title" });
  const session = sessionPanel();
  const organizations = accountsPanel(canSwitch ? switchTo : undefined);
  const element = el(
    "div",
    { class: "dashboard" },
    el(
      "div",
      { class: "work" },
      el("div", { class: "work-head" }, el("div", {}, heading, subtitle), reload),
      table.element,
    ),
    el("div", { class: "rail" }, person, organizations.element, session.element),
  );

  let state = first;
  let loading: AbortController | undefined;
  let failure: unknown;

  async function load(): Promise<void> {
    loading?.abort();
    const { signal } = (loading = new AbortController());
    const { organization } = state;
    failure = undefined;
    table.showLoading();
    subtitle.textContent = "Loading";
    reload.classList.add("is-busy");
    try {
      const [mine, rows] = await Promise.all([accounts(auth, signal), projects(auth, signal)]);
      if (signal.aborted) return;
      const names = new Map(mine.map((each) => [each.organization ?? each.id, each.name]));
      const current = mine.find((each) => each.organization === organization);
      const where = current?.name ?? "This account";
      const nameOf = (id: string) => names.get(id) ?? id;
      table.showRows(rows.map((row) => ({ ...row, accountName: nameOf(row.account) })), where);
      organizations.show(mine, organization);
      const count = rows.length === 1 ? "1\u00a0project" : `${rows.length || "No"}\u00a0projects`;
      subtitle.textContent = `${where} · ${count}`;
      announce(`${count} loaded for ${where}.`);
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
      const text = isConnection(error)
        ? "The server cannot be reached. They load by themselves when you are back online."
        : describe(error);
      table.showError(text, load);
      subtitle.textContent = "Not loaded";
      organizations.showUnknown(organization);
      announce("Projects could not be loaded.");
    } finally {
      if (!signal.aborted) reload.classList.remove("is-busy");
    }
  }

  async function switchTo(account: Account): Promise<void> {
    await auth.switchOrganization(account.organization ?? "");
    announce(`Switched to ${account.name}.`);
  }

  const backOnline = () => {
    if (failure !== undefined) void load();
  };
  addEventListener("online", backOnline);
  const stopRenewing = keepFresh(auth);

  const showPerson = () => {
    const { user } = state;
    const name = user?.name ?? user?.email ?? "Signed in";
    person.replaceChildren(
      el("h2", { id: "person-title" }, "Account"),
      el(
        "div",
        { class: "person" },
        el("span", { class: "avatar", "aria-hidden": "true" }, initials(name)),
        el(
          "div",
          {},
          el("p", { class: "person-name" }, name),
          user?.email ? el("p", { class: "person-mail" }, user.email) : undefined,
        ),
      ),
    );
  };

  const begin = () => {
    showPerson();
    table.clear();
    organizations.showLoading();
    void load();
  };
  begin();
  session.update(state);

  return {
    element,
    title: "Projects",
    heading,
    update(next: AuthState) {
      if (next.status !== "signedIn") return;
      const other = next.user?.id !== state.user?.id || next.organization !== state.organization;
      state = next;
      session.update(next);
      if (other) begin();
    },
    leave() {
      removeEventListener("online", backOnline);
      loading?.abort();
      stopRenewing();
      session.stop();
    },
  };
}

function initials(name: string): string {
  const letters = name.split(/\s+/).flatMap((word) => word.match(/\p{L}/u) ?? []);
  return [...letters.slice(0, 1), ...letters.slice(1).slice(-1)].join("").toUpperCase();
}
