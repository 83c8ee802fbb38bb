import type { Account } from "./api";
import { button, el } from "./dom";
import { icon } from "./icon";

/** Whom the session is for, and whom it could be for. */
export function accountsPanel(switchTo: ((account: Account) => Promise<void>) | undefined) {
  const list = el("ul", { class: "accounts" });
  const problem = el("p", { class: "problem", role: "alert" });
  const heading = el("h2", { id: "accounts-title", tabindex: "-1" }, "Organization");
  const element = el(
    "section",
    { class: "panel", "aria-labelledby": "accounts-title" },
    heading,
    list,
    problem,
  );

  const press = async (account: Account) => {
    const buttons = list.querySelectorAll("button");
    for (const each of buttons) each.disabled = true;
    problem.textContent = "";
    // The pressed button goes away with the switch, and takes the focus along.
    heading.focus();
    try {
      await switchTo?.(account);
    } catch {
      problem.textContent = `${account.name} could not be opened. You are where you were.`;
      for (const each of buttons) each.disabled = false;
    }
  };

  const item = (account: Account, current: boolean) => {
    const kind = account.organization === undefined ? "Personal account" : account.role;
    const canSwitch = switchTo && !current && account.organization !== undefined;
    return el(
      "li",
      { "aria-current": current ? "true" : undefined },
      el(
        "div",
        {},
        el("span", { class: "account-name" }, account.name),
        el("span", { class: "account-role" }, kind),
      ),
      current ? el("span", { class: "tag" }, icon("check"), "Current") : undefined,
      canSwitch
        ? button(
            "button small",
            () => press(account),
            "Switch",
            el("span", { class: "visually-hidden" }, ` to ${account.name}`),
          )
        : undefined,
    );
  };

  return {
    element,
    show(accounts: Account[], organization: string | undefined) {
      problem.textContent = "";
      const isCurrent = (account: Account) => account.organization === organization;
      list.replaceChildren(...accounts.map((account) => item(account, isCurrent(account))));
    },
    showLoading() {
      list.replaceChildren(el("li", {}, el("span", { class: "bone middle" })));
    },
    /** What is known without the API. */
    showUnknown(organization: string | undefined) {
      const name = organization ?? "Personal account";
      list.replaceChildren(el("li", {}, el("span", { class: "account-name" }, name)));
    },
  };
}
