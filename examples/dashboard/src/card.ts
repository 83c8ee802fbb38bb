import { el, type Child } from "./dom";

/** A server that answers sooner needs no screen in between. */
export const SLOW_MS = 400;

/** A card that says one thing, and its heading. */
export function card(
  emblem: Node,
  title: string,
  text: string,
  ...rest: Child[]
): [HTMLElement, HTMLElement] {
  const heading = el("h1", { tabindex: "-1" }, title);
  const body = [heading, el("p", { class: "lead" }, text), ...rest];
  return [
    el("div", { class: "card single" }, el("div", { class: "emblem" }, emblem), ...body),
    heading,
  ];
}

/** The emblem of what takes a moment. */
export function spinner(): HTMLElement {
  return el("span", { class: "spinner", "aria-hidden": "true" });
}
