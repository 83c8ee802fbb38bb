import { Astropass } from "astropass";
import { measureAstropass } from "./astropass-library.js";

measureAstropass(Astropass);
