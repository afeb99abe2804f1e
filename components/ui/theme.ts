/** What a person chose; `system` follows the operating system. */
export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** What people call them. */
export const THEME_NAMES = {
  system: 'Theme of the system',
  light: 'Light theme',
  dark: 'Dark theme',
} satisfies Record<Theme, string>;

/** A cookie, so that the server already draws the right one. */
export const THEME_COOKIE = 'sandkeeper_theme';

/** The theme in `text`, or `system`. */
export function parseTheme(text: string | undefined): Theme {
  return THEMES.find((theme) => theme === text) ?? 'system';
}
