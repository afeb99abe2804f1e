import type { Page } from '@playwright/test';

/** One keystroke; times in ms. */
export type Keystroke = {
  key: string;
  /** Spent in the page's own event handlers. */
  worked: number;
  /** From the key going down until the frame that shows the result was painted. */
  painted: number;
};

/** What somebody looking for a sandbox types and then takes back, one key at a time. */
const TYPED = 'environment=staging owner=ana run-12';
const REST_MS = 120;

/**
 * Types into the filter, or into a plain input that covers the page, and measures each key in the page.
 *
 * The result is there when the rows or their number last changed because of the key, or with the key itself where
 * nothing did. An urgent task posted from a frame's own callback runs right after that frame was produced. Even a key
 * that costs nothing waits for its frame: that is what the plain input shows.
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
  let downAt = 0;
  let current: Keystroke | undefined;

  const followToPaint = () => {
    const keystroke = current;
    if (!keystroke) return;
    // Ahead of everything that the page has put off until after the frame.
    const note = () => {
      keystroke.painted = now() - downAt;
    };
    requestAnimationFrame(() => void window.scheduler.postTask(note, { priority: 'user-blocking' }));
  };
  window.addEventListener(
    'keydown',
    ({ key, timeStamp }) => {
      downAt = timeStamp;
      current = { key, worked: 0, painted: 0 };
      window.keystrokes.push(current);
      followToPaint();
    },
    { capture: true },
  );
  let beganAt = 0;
  const began = () => {
    beganAt = now();
  };
  const ended = () => {
    const keystroke = current;
    // After everybody who listens, and after what they have put off to the end of the event.
    queueMicrotask(() => {
      if (keystroke) keystroke.worked += now() - beganAt;
    });
  };
  for (const kind of ['keydown', 'input', 'keyup']) {
    window.addEventListener(kind, began, { capture: true });
    window.addEventListener(kind, ended);
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
