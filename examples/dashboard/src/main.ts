import "@fontsource-variable/geist";
import "@fontsource-variable/geist-mono";
import "./styles/base.css";
import "./styles/sign-in.css";
import "./styles/dashboard.css";

import { Astropass, type AuthState } from "astropass";
import { describe } from "./advice";
import { loadConfig, type Config } from "./config";
import { dashboardView } from "./dashboard";
import { button, el } from "./dom";
import { icon } from "./icon";
import { noticeNotSignedOut, noticeSignedOut, noticeState } from "./notices";
import { signInView } from "./sign-in";
import type { View } from "./view";

const main = document.querySelector("#main") as HTMLElement;
const barEnd = document.querySelector("#bar-end") as HTMLElement;

/** Shows the screen that the session's state asks for, whichever tab changed it. */
function run(auth: Astropass, config: Config): void {
  let view: View | undefined;
  let inside: boolean | undefined;

  const show = (state: AuthState) => {
    noticeState(state);
    const signedIn = state.status === "signedIn";
    if (signedIn === inside) {
      view?.update(state);
      return;
    }
    const first = view === undefined;
    view?.leave();
    inside = signedIn;
    view = signedIn
      ? dashboardView(auth, state, config.provider === "workos")
      : signInView(auth, state);
    document.title = `${view.title} · Astropass`;
    barEnd.replaceChildren(...(signedIn ? [signOutButton(auth)] : []));
    main.replaceChildren(view.element);
    if (!first) view.heading.focus();
  };
  auth.subscribe(show);
}

function signOutButton(auth: Astropass): HTMLElement {
  const signOut = async () => {
    leave.disabled = true;
    try {
      const { revoked } = await auth.logout();
      noticeSignedOut(revoked);
    } catch {
      noticeNotSignedOut();
    } finally {
      leave.disabled = false;
    }
  };
  const leave = button("button", signOut, icon("leave"), "Sign out");
  return leave;
}

function showBroken(error: unknown): void {
  const heading = el("h1", { tabindex: "-1" }, "The dashboard could not start");
  const card = el(
    "div",
    { class: "card single", role: "alert" },
    el("div", { class: "emblem" }, icon("alert")),
    heading,
    el("p", { class: "lead" }, "Reload the page. If that does not help, tell your administrator."),
    el("p", { class: "detail" }, describe(error)),
    button("button primary wide", () => location.reload(), "Reload"),
  );
  main.replaceChildren(el("div", { class: "sign-in" }, card));
}

try {
  const config = await loadConfig();
  run(await Astropass.create(config), config);
} catch (error) {
  showBroken(error);
}
