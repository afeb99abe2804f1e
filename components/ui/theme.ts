/** The choices of theme. `system` follows the operating system. */
export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export const THEME_NAMES = {
  system: 'System theme',
  light: 'Light theme',
  dark: 'Dark theme',
} satisfies Record<Theme, string>;

/** A cookie, so that the server renders the chosen theme. */
export const THEME_COOKIE = 'sandkeeper_theme';

/** The theme named `text`, `system` if there is none. */
export function parseTheme(text: string | undefined): Theme {
  return THEMES.find((theme) => theme === text) ?? 'system';
}
