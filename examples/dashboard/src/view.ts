import type { AuthState } from "astropass";

/** One of the two screens. */
export interface View {
  readonly element: HTMLElement;
  readonly title: string;
  /** What gets the focus when this screen takes the place of another. */
  readonly heading: HTMLElement;
  update(state: AuthState): void;
  leave(): void;
}
