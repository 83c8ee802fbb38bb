"use client";

import {
  type ReactNode,
  createContext,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import type { Astropass } from "./astropass.js";
import type { AuthState, RedirectResult } from "./types.js";

/** What {@link useAuth} gives. */
export type Auth =
  | { status: "loading"; auth?: undefined; state?: undefined; error?: undefined }
  | { status: "failed"; error: unknown; auth?: undefined; state?: undefined }
  | { status: AuthState["status"]; auth: Astropass; state: AuthState; error?: undefined };

const LOADING: Auth = { status: "loading" };
const Context = createContext<Auth | undefined>(undefined);

export interface AstropassProviderProps {
  /** Makes the session, in the browser only: `() => Astropass.create({…})`. */
  create: () => Promise<Astropass>;
  /**
   * Makes each page that is loaded a redirect URI ({@link Astropass.handleRedirect}): called when the
   * page comes back from a login, with how that went. Until then the status is `loading`.
   */
  onRedirect?: (result: RedirectResult & { error?: unknown }) => void;
  children?: ReactNode;
}

/** Gives one session to all components below, and closes it when it goes away. */
export function AstropassProvider({
  create,
  onRedirect,
  children,
}: AstropassProviderProps): ReactNode {
  const [made, setMade] = useState<{ auth: Astropass } | { error: unknown }>();

  // `create` is usually a new function each time; the session is made once for each mount.
  useEffect(() => {
    let mounted = true;
    const making = (async () => create())();
    const show = async () => {
      const auth = await making;
      // StrictMode mounts twice; the answer is for what stays.
      if (mounted && onRedirect) {
        const result = await auth.handleRedirect().catch((error: unknown) => ({ error }));
        if (result) onRedirect(result);
      }
      if (mounted) setMade({ auth });
    };
    show().catch((error: unknown) => mounted && setMade({ error }));
    return () => {
      mounted = false;
      setMade(undefined);
      making.then((auth) => auth.close(), () => {});
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const auth = made && "auth" in made ? made.auth : undefined;
  const state = useSyncExternalStore(
    useMemo(() => (changed: () => void) => auth?.subscribe(changed) ?? (() => {}), [auth]),
    () => auth?.state,
    () => undefined,
  );
  const value = useMemo((): Auth => {
    if (auth && state) return { status: state.status, auth, state };
    return made && "error" in made ? { status: "failed", error: made.error } : LOADING;
  }, [auth, state, made]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

/** The session of the {@link AstropassProvider} above. */
export function useAuth(): Auth {
  const auth = useContext(Context);
  if (!auth) throw new Error("useAuth() needs an <AstropassProvider> above");
  return auth;
}
