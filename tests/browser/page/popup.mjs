// A page that is nothing but a popup's redirect URI.

import { answerPopup } from "/astropass-popup.mjs";

window.answered = answerPopup();
window.cleaned = location.href;
