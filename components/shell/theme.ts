/** What a person chose; `system` follows the operating system. */
export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** A cookie, so that the server already draws the right one. */
export const THEME_COOKIE = 'sandkeeper_theme';

/** The theme in `text`, or `system`. */
export function parseTheme(text: string | undefined): Theme {
  return THEMES.find((theme) => theme === text) ?? 'system';
}
