import { cdp } from 'vitest/browser';

/** Types as through an input method, in a browser test. The focused input receives real composition events. */

/** Replaces the text that is being composed. */
export async function composeText(text: string): Promise<void> {
  const selection = { selectionStart: text.length, selectionEnd: text.length };
  await cdp().send('Input.imeSetComposition', { text, ...selection });
}

/** Ends the composition with `text`. */
export async function acceptComposition(text: string): Promise<void> {
  await cdp().send('Input.insertText', { text });
}

/** A key that the input method takes. Browsers report it to the page as well, with the code 229. */
export async function pressComposingKey(key: string): Promise<void> {
  for (const type of ['rawKeyDown', 'keyUp'] as const)
    await cdp().send('Input.dispatchKeyEvent', { type, key, windowsVirtualKeyCode: 229 });
}
