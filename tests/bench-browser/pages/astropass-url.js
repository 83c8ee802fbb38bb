import { Astropass } from "astropass/url";
import { measureAstropass } from "./astropass-library.js";

measureAstropass(Astropass);
