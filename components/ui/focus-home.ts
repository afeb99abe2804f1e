import { createContext, useContext, useLayoutEffect, useRef } from 'react';

/** Marks the element of a page that takes the focus when the element that had it is gone. */
export const FOCUS_HOME = { 'data-focus-home': '' } as const;

/** The marked element, or else the page's main part, made focusable. */
export function focusHome(): HTMLElement | null {
  const home = firstVisible('[data-focus-home]');
  if (home !== null) return home;
  const main = firstVisible('main');
  main?.setAttribute('tabindex', '-1');
  return main;
}

/** A page that is left can stay in the document for a while, hidden. */
function firstVisible(selector: string): HTMLElement | null {
  const found = [...document.querySelectorAll<HTMLElement>(selector)];
  return found.find((element) => element.checkVisibility()) ?? null;
}

/**
 * Where the focus goes when a dialog closes or an action of a menu was chosen, whatever opened it. For a page with one
 * place for the keyboard, such as a terminal. `null` or a result of `null`: as on any page.
 */
export const FinalFocus = createContext<(() => HTMLElement | null) | null>(null);

/** The element that opened a menu of which an action was chosen, until the menu has returned the focus to it. */
let menuOpener: HTMLElement | null = null;

/** Called when an action of a menu is chosen, which may open a dialog before the menu returns the focus, and then with `null`. */
export function noteMenuChoice(opener: HTMLElement | null): void {
  menuOpener = opener;
}

/**
 * Returns a function for the `finalFocus` of a dialog: the page's `FinalFocus`, or else the element that had the focus before
 * it opened, or that opened the menu it was chosen from. If that is gone, or is a red button that the next Enter would press,
 * it is the home of the page instead.
 */
export function useFinalFocus(isOpen: boolean): () => HTMLElement | null {
  const opener = useRef<HTMLElement | null>(null);
  // Before the dialog moves the focus, which it does after all layout effects.
  useLayoutEffect(() => {
    if (!isOpen) return;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    opener.current = menuOpener ?? focused;
  }, [isOpen]);
  const find = useContext(FinalFocus);
  return () => {
    const place = find?.() ?? null;
    if (place !== null) return place;
    const element = opener.current;
    const isUsable = element?.isConnected === true && element !== document.body;
    const isDanger = element?.dataset.tone?.startsWith('danger') === true;
    if (!isUsable) return focusHome();
    return isDanger ? (document.querySelector<HTMLElement>('[data-focus-home]') ?? element) : element;
  };
}
