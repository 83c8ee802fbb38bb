import "@fontsource-variable/geist";
import "@fontsource-variable/geist-mono";
import "./styles/base.css";
import "./styles/sign-in.css";
import "./styles/dashboard.css";

import { Astropass, type AuthState } from "astropass";
import { describe } from "./advice";
import { SLOW_MS, card, spinner } from "./card";
import { loadConfig, type Config } from "./config";
import { dashboardView } from "./dashboard";
import { button, el } from "./dom";
import { icon } from "./icon";
import { noticeNotSignedIn, noticeNotSignedOut, noticeSignedOut, noticeState } from "./notices";
import { signInView } from "./sign-in";
import type { View } from "./view";

const main = document.querySelector("#main") as HTMLElement;
const barEnd = document.querySelector("#bar-end") as HTMLElement;

/**
 * Shows the screen that the session's state asks for, whichever tab changed it; at first with why
 * the sign-in `failed` that the page comes back from.
 */
function run(auth: Astropass, config: Config, failed?: unknown): void {
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
      : signInView(auth, state, failed);
    failed = undefined;
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
  const text = "Reload the page. If that does not help, tell your administrator.";
  const detail = el("p", { class: "detail" }, describe(error));
  const reload = button("button primary wide", () => location.reload(), "Reload");
  const [panel] = card(icon("alert"), "The dashboard could not start", text, detail, reload);
  panel.setAttribute("role", "alert");
  main.replaceChildren(el("div", { class: "sign-in" }, panel));
}

/** Ends the sign-in that the page comes back from, if it does; gives why it failed. */
async function comeBack(auth: Astropass): Promise<unknown> {
  const slow = setTimeout(() => {
    const [panel] = card(spinner(), "Signing you in", "This takes a moment.");
    main.replaceChildren(el("div", { class: "sign-in" }, panel));
  }, SLOW_MS);
  try {
    await auth.handleRedirect();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    clearTimeout(slow);
  }
}

try {
  const config = await loadConfig();
  const auth = await Astropass.create(config);
  const failed = await comeBack(auth);
  run(auth, config, failed);
  // Whoever was signed in before still is.
  if (failed && auth.state.status === "signedIn") noticeNotSignedIn(failed);
} catch (error) {
  showBroken(error);
}
