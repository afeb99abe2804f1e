'use client';

import { useEffect } from 'react';
import { focusHome } from './focus-home';

/**
 * Dialogs and menus return the focus themselves, within this time after they close. An element that is hidden loses the focus
 * when the page is drawn next, without an event.
 */
const GRACE_MS = 150;

/**
 * Catches the focus when the element that has it is removed, hidden or disabled: it would fall to the body, and the keyboard
 * would have to start again at the top of the page. It goes to the dialog around that element, or else to the home of the page.
 */
export function FocusGuard() {
  useEffect(() => {
    let path: Element[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;

    function onFocusIn({ target }: FocusEvent) {
      path = [];
      for (let at = target instanceof Element ? target : null; at !== null; at = at.parentElement)
        path.push(at);
    }

    function isLost(): boolean {
      const [element] = path;
      return element !== undefined && isBodyFocused() && !canHoldFocus(element);
    }

    function look() {
      timer ??= setTimeout(() => {
        timer = undefined;
        if (!isLost()) return;
        const dialog = path.find(
          (element) => element.isConnected && element.matches('[role=dialog], [role=alertdialog]'),
        );
        const next = dialog instanceof HTMLElement ? dialog : focusHome();
        next?.focus({ preventScroll: true });
      }, GRACE_MS);
    }

    function onPointerUp() {
      // A press on nothing takes the focus away on purpose.
      if (isBodyFocused()) path = [];
    }

    const observer = new MutationObserver(look);
    observer.observe(document.body, {
      subtree: true,
      childList: true,
      attributeFilter: ['disabled', 'hidden', 'inert', 'style'],
    });
    document.addEventListener('focusin', onFocusIn);
    document.addEventListener('focusout', look);
    document.addEventListener('pointerup', onPointerUp);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener('focusin', onFocusIn);
      document.removeEventListener('focusout', look);
      document.removeEventListener('pointerup', onPointerUp);
    };
  }, []);
  return null;
}

function isBodyFocused(): boolean {
  return document.activeElement === document.body || document.activeElement === null;
}

function canHoldFocus(element: Element): boolean {
  return element.isConnected && element.checkVisibility() && !element.matches(':disabled, [inert] *');
}
