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

/**
 * Returns a function for the `finalFocus` of a dialog: the page's `FinalFocus`, or else the element that had the focus before
 * it opened. If that is gone, or is a red button that the next Enter would press, it is the home of the page instead.
 */
export function useFinalFocus(isOpen: boolean): () => HTMLElement | true | null {
  const opener = useRef<HTMLElement | null>(null);
  const isFromMenu = useRef(false);
  // Before the dialog moves the focus, which it does after all layout effects.
  useLayoutEffect(() => {
    if (!isOpen) return;
    opener.current = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    isFromMenu.current = opener.current?.closest('[role=menu]') != null;
  }, [isOpen]);
  const find = useContext(FinalFocus);
  return () => {
    const place = find?.() ?? null;
    if (place !== null) return place;
    const element = opener.current;
    const isUsable = element?.isConnected === true && element !== document.body;
    const isDanger = element?.dataset.tone?.startsWith('danger') === true;
    // The menu has closed. By default the focus returns to the element that opened the menu.
    if (!isUsable) return isFromMenu.current ? true : focusHome();
    return isDanger ? (document.querySelector<HTMLElement>('[data-focus-home]') ?? element) : element;
  };
}
