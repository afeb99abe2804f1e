import { Children, type ReactNode } from 'react';

/** Joins its children with dots. A line that is broken neither ends nor begins with a dot. */
export function Dotted({ children }: { children: ReactNode }) {
  return (
    // A dot stands in the space before its part. At the beginning of a line, this space is cut off.
    <span className="block overflow-x-clip">
      <span className="-ml-4 flex flex-wrap">
        {Children.toArray(children).map((part, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text keep their order.
          <span key={index} className="relative min-w-0 pl-4">
            {index === 0 ? null : <span className="absolute left-0 w-4 text-center text-ink-3"> · </span>}
            {part}
          </span>
        ))}
      </span>
    </span>
  );
}
