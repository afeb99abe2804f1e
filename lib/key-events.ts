/**
 * Key handlers that leave the keys of an input method alone. Every key handler of the page goes through here, which
 * `lib/conventions.test.ts` checks. Browser only.
 */

type KeyEvent = { nativeEvent?: unknown; isComposing?: boolean; keyCode: number };

/** What browsers report for a key that the input method took. */
const INPUT_METHOD_KEY_CODE = 229;

/**
 * Whether the key belongs to an input method: Enter accepts a word, Escape drops it, arrows choose another one. Safari
 * ends the composition before the last key, which only its code shows.
 */
export function isComposing(event: KeyEvent): boolean {
  const native = event.nativeEvent instanceof KeyboardEvent ? event.nativeEvent : event;
  return native.isComposing === true || native.keyCode === INPUT_METHOD_KEY_CODE;
}

/** Wraps a handler of key events so that it is not called while an input method is composing. */
export function unlessComposing<Event extends KeyEvent>(handler: (event: Event) => void) {
  return (event: Event): void => {
    if (!isComposing(event)) handler(event);
  };
}

/**
 * Handles every key pressed in the page, except while an input method is composing, until the returned function is called.
 * `isFirst`: before the element that has the focus.
 */
export function listenForKeys(
  handler: (event: KeyboardEvent) => void,
  { isFirst = false }: { isFirst?: boolean } = {},
): () => void {
  const listener = unlessComposing(handler);
  document.addEventListener('keydown', listener, isFirst);
  return () => document.removeEventListener('keydown', listener, isFirst);
}

/** Keeps the keys pressed within `element` from the handlers of the page around it, until the returned function is called. */
export function keepKeysWithin(element: HTMLElement): () => void {
  const stop = (event: KeyboardEvent) => event.stopPropagation();
  element.addEventListener('keydown', stop);
  element.addEventListener('keyup', stop);
  return () => {
    element.removeEventListener('keydown', stop);
    element.removeEventListener('keyup', stop);
  };
}
