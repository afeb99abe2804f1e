import { visibleParts } from '@/lib/sandbox/visible-name';

/** Characters that do not show, or that move the text around them, except tab and newline. */
export const INVISIBLE_CHARACTERS =
  /(?![\t\n])[\p{Cc}\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFD\u{E0000}-\u{E0FFF}]/gu;

/** Multi-line text with a visible sign for each invisible character. Newlines, tabs and spaces stay as they are. */
export function VisibleLines({ text }: { text: string }) {
  const parts = text.split(new RegExp(`(${INVISIBLE_CHARACTERS.source})`, INVISIBLE_CHARACTERS.flags));
  if (parts.length === 1) return text;
  return parts.map((part, index) => {
    // Odd parts are the invisible characters.
    if (index % 2 === 0) return part;
    const [sign] = visibleParts(part);
    return (
      <span
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text keep their order.
        key={index}
        title={sign?.standsFor ?? undefined}
        className="rounded-xs bg-paused-soft text-paused"
      >
        {sign?.text}
      </span>
    );
  });
}
