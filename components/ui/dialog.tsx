'use client';

import { AlertDialog } from '@base-ui/react/alert-dialog';
import { Dialog as BaseDialog } from '@base-ui/react/dialog';
import { type ReactNode, type RefObject, useRef } from 'react';
import { useFinalFocus } from './focus-home';

const BACKDROP =
  'fixed inset-0 z-40 bg-backdrop transition-opacity duration-100 data-ending-style:opacity-0 data-starting-style:opacity-0';
const POPUP =
  'fixed left-1/2 z-50 flex -translate-x-1/2 flex-col overflow-hidden rounded-lg border border-line bg-raise shadow-float outline-none transition-[opacity,scale] duration-100 data-ending-style:scale-[0.99] data-ending-style:opacity-0 data-starting-style:scale-[0.99] data-starting-style:opacity-0';

const SIZES = {
  md: 'top-[8vh] max-h-[84vh] w-[min(560px,calc(100vw-32px))]',
  lg: 'top-[4vh] max-h-[92vh] w-[min(680px,calc(100vw-32px))]',
} as const;

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  description?: ReactNode;
  children?: ReactNode;
  footer: ReactNode;
  /** Receives the focus when the dialog opens. */
  initialFocus?: RefObject<HTMLElement | null>;
  size?: keyof typeof SIZES;
};

/** A dialog that Escape or a click outside closes. */
export function Dialog({ open, onOpenChange, initialFocus, size = 'md', ...parts }: Props) {
  const finalFocus = useFinalFocus(open);
  return (
    <BaseDialog.Root open={open} onOpenChange={onOpenChange}>
      <BaseDialog.Portal>
        <BaseDialog.Backdrop data-modal={size} className={BACKDROP} />
        <BaseDialog.Popup
          className={`${POPUP} ${SIZES[size]}`}
          initialFocus={initialFocus}
          finalFocus={finalFocus}
        >
          <Body {...parts} Title={BaseDialog.Title} Description={BaseDialog.Description} />
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

/** A dialog that only its buttons and Escape close. */
export function ConfirmDialog({ open, onOpenChange, initialFocus, size = 'md', ...parts }: Props) {
  const finalFocus = useFinalFocus(open);
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop data-modal={size} className={BACKDROP} />
        <AlertDialog.Popup
          className={`${POPUP} ${SIZES[size]}`}
          initialFocus={initialFocus}
          finalFocus={finalFocus}
        >
          <Body {...parts} Title={AlertDialog.Title} Description={AlertDialog.Description} />
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

type ChooserProps<Choice> = {
  isOpen: boolean;
  label: string;
  onClose: () => void;
  /** Called after the dialog has closed and returned the focus, because the choice may open another dialog. */
  onChosen: (choice: Choice) => void;
  children: (choose: (choice: Choice) => void) => ReactNode;
};

/** A dialog without a title, for finding something by typing a few letters. */
export function ChooserDialog<Choice>({ isOpen, label, onClose, onChosen, children }: ChooserProps<Choice>) {
  const chosen = useRef<Choice | null>(null);
  const finalFocus = useFinalFocus(isOpen);
  return (
    <BaseDialog.Root
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      onOpenChangeComplete={(open) => {
        const choice = chosen.current;
        chosen.current = null;
        if (!open && choice !== null) onChosen(choice);
      }}
    >
      <BaseDialog.Portal>
        <BaseDialog.Backdrop data-modal="lg" className={BACKDROP} />
        <BaseDialog.Popup
          aria-label={label}
          finalFocus={finalFocus}
          className={`${POPUP} top-[10vh] max-h-[min(560px,80vh)] w-[min(640px,calc(100vw-32px))]`}
        >
          {children((choice) => {
            chosen.current = choice;
            onClose();
          })}
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

type BodyProps = Pick<Props, 'title' | 'description' | 'children' | 'footer'> & {
  Title: typeof BaseDialog.Title;
  Description: typeof BaseDialog.Description;
};

function Body({ title, description, children, footer, Title, Description }: BodyProps) {
  return (
    <>
      <div className="flex min-h-0 flex-col gap-4 overflow-y-auto p-6">
        <header>
          <Title className="font-semibold text-title">{title}</Title>
          {description ? <Description className="mt-0.5 text-ink-2">{description}</Description> : null}
        </header>
        {children}
      </div>
      <footer className="flex flex-wrap items-center justify-end gap-2 border-line border-t bg-surface px-6 py-3">
        {footer}
      </footer>
    </>
  );
}
