import { PublicClientApplication } from "@azure/msal-browser";
import { measure } from "./library.js";

const configuration = {
  auth: {
    clientId: "00000000-0000-4000-8000-000000000001",
    authority: "https://login.microsoftonline.com/00000000-0000-4000-8000-000000000002",
    redirectUri: `${location.origin}/msal-browser.html`,
  },
  cache: { cacheLocation: "localStorage" },
};
const request = { scopes: ["openid", "api://bench/read"] };

const open = async () => {
  const client = new PublicClientApplication(configuration);
  await client.initialize();
  return client;
};

measure({
  // Goes to Microsoft's address, and comes back to this page.
  signIn: async () => {
    const client = await open();
    const result = await client.handleRedirectPromise({ navigateToLoginRequestUrl: false });
    if (!result) await client.loginRedirect(request);
  },
  open,
  token: async (client) => {
    const [account] = client.getAllAccounts();
    return (await client.acquireTokenSilent({ ...request, account })).accessToken;
  },
});
