import type { Page } from '@playwright/test';

/** One keystroke, in ms from the key going down. */
export type Keystroke = {
  key: string;
  /** Until the page had done what it does at once. */
  worked: number;
  /** Until the frame that shows the result was painted. */
  painted: number;
};

/** What somebody looking for a sandbox types and then takes back, one key at a time. */
const TYPED = 'environment=staging owner=ana run-12';
const REST_MS = 120;

/**
 * Types into the filter, or into a plain input that covers the page, and measures each key in the page.
 *
 * The result is there when the rows or their number last changed because of the key, or with the key itself where
 * nothing did. A message sent from a frame's own callback arrives right after that frame was produced. Chromium makes
 * frames at 60 Hz without a screen too, so even a key that costs nothing waits for the next one: up to 16.7 ms, 8.3 ms
 * on average, which is what the plain input shows.
 */
export async function measureKeystrokes(
  page: Page,
  where: 'filter' | 'plain',
  count: number,
): Promise<Keystroke[]> {
  if (where === 'plain') await page.evaluate(coverWithInput);
  const box =
    where === 'plain'
      ? page.getByRole('textbox', { name: 'Plain' })
      : page.getByRole('combobox', { name: 'Filter sandboxes' });
  await box.click();
  await page.evaluate(observeKeys);
  for (const key of keysToPress(count)) {
    await page.keyboard.press(key);
    await page.waitForTimeout(REST_MS);
  }
  const keystrokes = await page.evaluate(() => window.keystrokes);
  if (where === 'plain') await page.reload();
  return keystrokes;
}

declare global {
  interface Window {
    keystrokes: Keystroke[];
  }
}

/** Runs in the page: what the fleet page itself would do is out of the way, but it stays our page. */
function coverWithInput(): void {
  const input = document.createElement('input');
  input.setAttribute('aria-label', 'Plain');
  document.body.replaceChildren(input);
}

/** Runs in the page. */
function observeKeys(): void {
  window.keystrokes = [];
  const now = () => performance.now();
  const later = (work: () => void) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = work;
    port2.postMessage(null);
  };
  let downAt = 0;
  let current: Keystroke | undefined;

  const followToPaint = () => {
    const keystroke = current;
    if (!keystroke) return;
    requestAnimationFrame(() =>
      later(() => {
        keystroke.painted = now() - downAt;
      }),
    );
  };
  document.addEventListener(
    'keydown',
    ({ key, timeStamp }) => {
      downAt = timeStamp;
      current = { key, worked: 0, painted: 0 };
      window.keystrokes.push(current);
      followToPaint();
    },
    { capture: true },
  );
  for (const kind of ['keydown', 'input']) {
    document.addEventListener(
      kind,
      () => {
        const keystroke = current;
        later(() => {
          if (keystroke) keystroke.worked = now() - downAt;
        });
      },
      { capture: true },
    );
  }
  new MutationObserver((changes) => {
    const isAboutRows = changes.some(
      ({ type, target }) =>
        target instanceof Element && (type === 'attributes' || target.getAttribute('role') === 'rowgroup'),
    );
    if (isAboutRows) followToPaint();
  }).observe(document.body, { subtree: true, childList: true, attributeFilter: ['aria-rowcount'] });
}

function keysToPress(count: number): string[] {
  const keys = [...TYPED];
  while (keys.length < count) keys.push('Backspace');
  return keys.slice(0, count);
}

/** The value below which this share of the sample lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
