import { afterEach, expect, it } from 'vitest';
import { readTerminalTheme } from '@/lib/console/terminal-theme';

afterEach(() => {
  for (const style of document.querySelectorAll('style[data-reduced]')) style.remove();
});

/** The rule of `app/globals.css` for people who prefer reduced motion. */
function reduceMotion(): void {
  const style = document.createElement('style');
  style.dataset.reduced = '';
  style.textContent = '* { transition-duration: 0.01ms !important; }';
  document.head.append(style);
}

it('reads the same colours with reduced motion', () => {
  const usual = readTerminalTheme();
  expect(usual.foreground).not.toBe(usual.background);
  reduceMotion();
  expect(readTerminalTheme()).toEqual(usual);
});
