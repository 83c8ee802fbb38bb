import "@fontsource-variable/geist";
import "./styles/base.css";
import "./styles/sign-in.css";

import { answerPopup } from "astropass/popup";
import { card } from "./card";
import { el } from "./dom";
import { icon } from "./icon";

// It closes the window, where the browser lets it.
const taken = await answerPopup();
const [panel] = taken
  ? card(icon("check"), "You are signed in", "You can close this window.")
  : card(
      icon("alert"),
      "Nobody waits for this sign-in",
      "The page that opened this window is gone, or it has stopped waiting. Close the window, then sign in again.",
    );
document.querySelector("#main")?.replaceChildren(el("div", { class: "sign-in" }, panel));
