import type { Page } from '@playwright/test';

/** One keystroke; times in ms. */
export type Keystroke = {
  key: string;
  /** Time in the event handlers of the page. */
  worked: number;
  /** From keydown to the paint of the frame with the result. */
  painted: number;
};

/** A search that is typed and then deleted, one key at a time. */
const TYPED = 'environment=staging owner=ana run-12';
const REST_MS = 120;

/**
 * Types into the filter, or into a plain input that covers the page, and measures each key in the page.
 *
 * The result of a key is the last change of the rows or of their number, or the key itself if nothing changes. An urgent
 * task posted from a frame callback runs right after that frame. The plain input shows the time that any key waits for its
 * frame.
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

/** Runs in the page. Covers it, so that its own work does not interfere. */
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
    // Before all work that the page has postponed until after the frame.
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
    // After all listeners and their microtasks.
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

/** The value below which `share` of the sample lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
