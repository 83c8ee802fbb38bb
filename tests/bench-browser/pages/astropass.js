import { Astropass } from "astropass";
import { measure, provider } from "./library.js";

const issuer = provider();
const open = () => Astropass.create({ clientId: "client_test", issuer });

measure({
  signIn: async () => {
    const auth = await open();
    await auth.login({ onPrompt: () => {} });
    await auth.close();
  },
  open,
  token: (auth) => auth.token(),
});
