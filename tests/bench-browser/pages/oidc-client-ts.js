import { UserManager, WebStorageStateStore } from "oidc-client-ts";
import { measure, provider } from "./library.js";

const settings = {
  authority: provider(),
  client_id: "astropass-spa",
  redirect_uri: `${location.origin}/`,
  scope: "openid offline_access",
  userStore: new WebStorageStateStore({ store: localStorage }),
};

measure({
  // Goes to the provider, and comes back to /.
  signIn: async () => {
    const manager = new UserManager(settings);
    if (location.pathname === "/") await manager.signinRedirectCallback();
    else await manager.signinRedirect({ prompt: "consent" });
  },
  open: () => new UserManager(settings),
  token: async (manager) => (await manager.getUser()).access_token,
});
