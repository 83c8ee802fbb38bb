/** Children become text nodes or nodes, never markup: what a server sends stays text. */
export type Child = Node | string | undefined;

type Attributes = Record<string, string | boolean | undefined>;

export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  assign(element, attributes);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function svg(
  tag: keyof SVGElementTagNameMap,
  attributes: Attributes = {},
  ...children: Node[]
): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  assign(element, attributes);
  element.append(...children);
  return element;
}

export function button(look: string, press: () => void, ...children: Child[]): HTMLButtonElement {
  const element = el("button", { type: "button", class: look }, ...children);
  element.addEventListener("click", press);
  return element;
}

function assign(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
}
