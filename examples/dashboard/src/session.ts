import type { Astropass, SignedIn, StorageKind } from "astropass";
import { clockText, countdown } from "./countdown";
import { el } from "./dom";
import { icon } from "./icon";

const KEPT: Record<StorageKind, string> = {
  indexeddb: "This browser, encrypted",
  memory: "This tab only",
  custom: "Custom store",
};

/** The access token's life, as it passes and begins again. */
export function sessionPanel() {
  const left = el("p", { class: "big digits", role: "timer", "aria-labelledby": "expiry-label" });
  const bar = el("progress", { class: "drain", "aria-hidden": "true" });
  const renewed = el("dd", {}, "Not yet");
  const kept = el("dd");
  const element = el(
    "section",
    { class: "panel", "aria-labelledby": "session-title" },
    el("h2", { id: "session-title" }, "Session"),
    el("p", { class: "label", id: "expiry-label" }, "Access expires in"),
    left,
    bar,
    el("p", { class: "hint" }, icon("reload"), "Renews itself shortly before"),
    el(
      "dl",
      { class: "facts" },
      el("div", {}, el("dt", {}, "Last renewed"), renewed),
      el("div", {}, el("dt", {}, "Kept in"), kept),
    ),
  );

  let shown: number | undefined;
  let stop = () => {};
  const update = ({ expiresAt, storage }: SignedIn) => {
    kept.textContent = KEPT[storage];
    bar.hidden = expiresAt === undefined;
    if (expiresAt === undefined) {
      stop();
      left.textContent = "Unknown";
      return;
    }
    if (expiresAt.getTime() === shown) return;
    if (shown !== undefined) {
      const now = new Date();
      const time = now.toLocaleTimeString([], { timeStyle: "medium" });
      renewed.replaceChildren(el("time", { datetime: now.toISOString() }, time));
    }
    shown = expiresAt.getTime();
    bar.max = Math.max(1, (shown - Date.now()) / 1000);
    stop();
    stop = countdown(expiresAt, (seconds) => {
      left.textContent = seconds > 0 ? clockText(seconds) : "Expired";
      bar.value = seconds;
    });
  };
  return { element, update, stop: () => stop() };
}

/** A pause after a renewal that failed; the token may still be good until then. */
const PAUSE_MS = 10_000;

/**
 * Asks for the token every second while somebody looks at the page. That costs nothing while it is
 * fresh, and the session renews it when the time has come. The result stops it.
 */
export function keepFresh(auth: Astropass): () => void {
  let notBefore = 0;
  let asking = false;
  const ask = async () => {
    if (asking || document.hidden || !navigator.onLine || Date.now() < notBefore) return;
    asking = true;
    try {
      await auth.token();
    } catch {
      // What went wrong is in the state, and the state is on the screen.
    }
    if (auth.state.problem?.kind === "refreshFailed") notBefore = Date.now() + PAUSE_MS;
    asking = false;
  };
  const timer = setInterval(ask, 1000);
  return () => clearInterval(timer);
}
