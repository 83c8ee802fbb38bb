import { encode } from "uqr";
import { svg } from "./dom";

/** Four modules of white around it, as readers expect. */
const QUIET = 4;

export function qrCode(text: string, label: string): SVGElement {
  const { data, size } = encode(text, { border: QUIET });
  const dark = data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : [])));
  return svg(
    "svg",
    { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label },
    svg("path", { d: dark.join("") }),
  );
}
