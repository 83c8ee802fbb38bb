import type { Project } from "./api";
import { button, el, type Child } from "./dom";
import { icon } from "./icon";

export interface ProjectRow extends Project {
  accountName: string;
}

/** The table, and what stands in its place while there are no rows. */
export function projectsTable() {
  const element = el("div", { class: "table-card" });

  const table = (rows: HTMLElement[], busy = false) => {
    const head = ["Name", "ID", "Account"].map((name) => el("th", { scope: "col" }, name));
    return el(
      "table",
      { "aria-labelledby": "projects-title", "aria-busy": busy ? "true" : undefined },
      el("thead", {}, el("tr", {}, ...head)),
      el("tbody", {}, ...rows),
    );
  };

  const message = (name: "alert" | "empty", title: string, text: string, ...rest: Child[]) => {
    const body = [el("h2", {}, title), el("p", {}, text), ...rest];
    element.replaceChildren(el("div", { class: "message" }, icon(name), ...body));
  };

  return {
    element,
    clear() {
      element.replaceChildren();
    },
    /** Rows that are there stay, until others come. */
    showLoading() {
      const old = element.querySelector("table");
      if (old) {
        old.setAttribute("aria-busy", "true");
        return;
      }
      const row = () =>
        el(
          "tr",
          { "aria-hidden": "true" },
          ...["long", "short", "middle"].map((size) =>
            el("td", {}, el("span", { class: `bone ${size}` })),
          ),
        );
      element.replaceChildren(table([row(), row(), row()], true));
    },
    showRows(rows: ProjectRow[], ofAccount: string) {
      if (rows.length === 0) {
        message("empty", "No projects yet", `What ${ofAccount} starts will be listed here.`);
        return;
      }
      element.replaceChildren(
        table(
          rows.map((row) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, row.name),
              el("td", {}, el("code", {}, row.id)),
              el("td", {}, row.accountName),
            ),
          ),
        ),
      );
    },
    showError(text: string, retry: () => void) {
      const again = button("button", retry, icon("reload"), "Try again");
      message("alert", "Projects could not be loaded", text, again);
    },
  };
}
