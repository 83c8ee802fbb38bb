const announcer = document.querySelector("#announcer") as HTMLElement;

/** Long enough for any screen reader to take notice. */
const KEPT_MS = 5000;

/** Tells a screen reader what changed, once; sighted people see it where it changed. */
export function announce(text: string): void {
  // An own element, so that the same sentence is read again when it happens again.
  const line = document.createElement("span");
  line.textContent = text;
  announcer.replaceChildren(line);
  // Nobody who reads through the page later shall find yesterday's news at its end.
  setTimeout(() => line.remove(), KEPT_MS);
}
