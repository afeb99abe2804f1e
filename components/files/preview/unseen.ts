/** What would not be seen in a text, or would move what is around it. A tab and a line end are what they are. */
export const UNSEEN =
  /(?![\t\n])[\p{Cc}\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFD\u{E0000}-\u{E0FFF}]/gu;
