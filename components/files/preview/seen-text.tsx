import { visibleParts } from '@/lib/sandbox/visible-name';
import { UNSEEN } from './unseen';

/** A text of several lines in which everything can be seen; its line ends, tabs and spaces are what they are. */
export function SeenText({ text }: { text: string }) {
  const parts = text.split(new RegExp(`(${UNSEEN.source})`, UNSEEN.flags));
  if (parts.length === 1) return text;
  return parts.map((part, index) => {
    // Every other one is a character that is not seen.
    if (index % 2 === 0) return part;
    const [sign] = visibleParts(part);
    return (
      <span
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never change places.
        key={index}
        title={sign?.standsFor ?? undefined}
        className="rounded-xs bg-paused-soft text-paused"
      >
        {sign?.text}
      </span>
    );
  });
}
