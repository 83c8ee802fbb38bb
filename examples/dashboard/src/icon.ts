import { svg } from "./dom";

/** Strokes on a field of 20 by 20. */
const STROKES = {
  alert: "M10 6.5v4.2M10 13.6v.1M10 2.8 18 16.6H2z",
  check: "m4 10.6 4 3.9 8-9",
  clock: "M10 5.6V10l2.8 2.2M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15z",
  copy: "M7.5 7.5h9v9h-9zM12.5 7.5v-4h-9v9h4",
  denied: "M4.7 4.7l10.6 10.6M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15z",
  empty: "M3 6.5h14v10H3zM6.5 6.5v-3h7v3M7.5 11.5h5",
  external: "M11.5 3.5h5v5M16.2 3.8 9 11M14 11.5v5H3.5V6h5",
  info: "M10 9.2v4.6M10 6.3v.1M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15z",
  key: "M9.8 10.2 17 3M13.8 6.2l2.4 2.4M7 9a4 4 0 1 1 0 8 4 4 0 0 1 0-8z",
  leave: "M12.5 6V3.5h-9v13h9V14M8 10h9M14.2 7.2 17 10l-2.8 2.8",
  offline: "M2.5 2.5l15 15M5.4 10.5a7 7 0 0 1 3-1.7M2.6 7.4a11 11 0 0 1 2.9-1.9M9.6 4.3a11 11 0"
    + " 0 1 7.8 3.1M12.3 9.2a7 7 0 0 1 2.3 1.3M8.1 13.2a3 3 0 0 1 3.8 0M10 16.4v.1",
  page: "M2.5 3.5h15v13h-15zM2.5 7.3h15",
  phone: "M6 2.5h8v15H6zM9 14.8h2",
  reload: "M16.5 4v4h-4M3.5 16v-4h4M15.9 8A6.5 6.5 0 0 0 4.8 6.2M4.1 12a6.5 6.5 0 0 0 11.1 1.8",
  window: "M2.5 4.5h12v9h-12zM6 13.5v3h11.5V8h-3M2.5 7.3h12",
} as const;

export type IconName = keyof typeof STROKES;

/** Decoration only: the text beside it says the same. */
export function icon(name: IconName): SVGElement {
  const strokes = svg("path", { d: STROKES[name] });
  return svg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, strokes);
}
