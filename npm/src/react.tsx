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
import type { AuthState } from "./types.js";

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
  children?: ReactNode;
}

/** Gives one session to all components below, and closes it when it goes away. */
export function AstropassProvider({ create, children }: AstropassProviderProps): ReactNode {
  const [made, setMade] = useState<{ auth: Astropass } | { error: unknown }>();

  // `create` is usually a new function each time; the session is made once for each mount.
  useEffect(() => {
    let mounted = true;
    const making = (async () => create())();
    making.then(
      (auth) => mounted && setMade({ auth }),
      (error: unknown) => mounted && setMade({ error }),
    );
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
