import type { ITheme } from '@xterm/xterm';

/** The 16 ANSI colours for each theme. Other colours come from the page's design tokens. */
const ANSI = {
  light: {
    black: '#1d1b17',
    red: '#b3261e',
    green: '#1a7f4b',
    yellow: '#8a5206',
    blue: '#2457a8',
    magenta: '#8b3a8f',
    cyan: '#0b6e66',
    white: '#6f685c',
    brightBlack: '#6f685c',
    brightRed: '#c8372e',
    brightGreen: '#23794c',
    brightYellow: '#9a5b08',
    brightBlue: '#3367bd',
    brightMagenta: '#9d4aa1',
    brightCyan: '#127a71',
    brightWhite: '#1d1b17',
  },
  dark: {
    black: '#2b2924',
    red: '#ef7a70',
    green: '#62c98f',
    yellow: '#e0ad5a',
    blue: '#7fb0f0',
    magenta: '#d193d4',
    cyan: '#4cc2b4',
    white: '#efece5',
    brightBlack: '#968f82',
    brightRed: '#f79a92',
    brightGreen: '#86dcab',
    brightYellow: '#efc57f',
    brightBlue: '#a3c8f7',
    brightMagenta: '#e0b3e2',
    brightCyan: '#7cd8cc',
    brightWhite: '#ffffff',
  },
} as const satisfies Record<'light' | 'dark', ITheme>;

/** The design tokens that the terminal uses. */
const TOKENS = ['--bg', '--ink', '--ink-3', '--accent', '--selected-hover', '--line'] as const;
type Token = (typeof TOKENS)[number];

/** The terminal's colours in the current theme. Browser only. */
export function readTerminalTheme(): ITheme {
  const colours = readColours();
  const isDark = lightness(colours['--bg']) < 128;
  return {
    ...ANSI[isDark ? 'dark' : 'light'],
    background: colours['--bg'],
    foreground: colours['--ink'],
    cursor: colours['--ink'],
    cursorAccent: colours['--bg'],
    selectionBackground: isDark ? '#27504a' : '#bfe0da',
    overviewRulerBorder: '#00000000',
    scrollbarSliderBackground: `${colours['--ink-3']}55`,
    scrollbarSliderHoverBackground: `${colours['--ink-3']}88`,
    scrollbarSliderActiveBackground: `${colours['--ink-3']}aa`,
  };
}

/** The highlight colours of search results, as `#rrggbb`. */
export function readMatchColours(): { match: string; active: string } {
  const isDark = lightness(readColours()['--bg']) < 128;
  return isDark ? { match: '#5a4716', active: '#8f6a12' } : { match: '#f6e0a8', active: '#eebd4a' };
}

/** Calls `listener` after each theme change until the returned function is called. */
export function onThemeChange(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', listener);
  return () => {
    observer.disconnect();
    system.removeEventListener('change', listener);
  };
}

/** A token's value depends on the theme, so it is resolved on an element. */
function readColours(): Record<Token, string> {
  const probe = document.createElement('span');
  // With reduced motion every change of colour is a very short transition, which starts at the old colour.
  probe.style.setProperty('transition', 'none', 'important');
  document.body.append(probe);
  const read = (token: Token) => {
    probe.style.color = `var(${token})`;
    return hexOf(getComputedStyle(probe).color);
  };
  const colours = Object.fromEntries(TOKENS.map((token) => [token, read(token)])) as Record<Token, string>;
  probe.remove();
  return colours;
}

function hexOf(rgb: string): string {
  const [red = 0, green = 0, blue = 0] = (rgb.match(/[\d.]+/g) ?? []).map(Number);
  return `#${[red, green, blue].map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;
}

function lightness(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return red * 0.299 + green * 0.587 + blue * 0.114;
}
