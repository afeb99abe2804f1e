import { clsx } from 'clsx';
import type { ComponentProps } from 'react';

type Props = Omit<ComponentProps<'input'>, 'type' | 'ref'> & { isIndeterminate?: boolean };

/** The checkbox of lists and forms. Its label is the caller's. */
export function Checkbox({ isIndeterminate = false, className, ...props }: Props) {
  return (
    <input
      type="checkbox"
      className={clsx('checkbox icon-check', className)}
      // Only a property, not an attribute. A click clears it, so every rendering sets it again.
      ref={(element) => {
        if (element) element.indeterminate = isIndeterminate;
      }}
      {...props}
    />
  );
}
