import { measure, provider } from "./library.js";

/** Measures one entry of the package, by its `Astropass`. */
export function measureAstropass(Astropass) {
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
}
