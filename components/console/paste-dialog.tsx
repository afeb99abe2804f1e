'use client';

import { useRef } from 'react';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { Visible } from '@/components/ui/visible-text';

/** A paste of several lines. `runs`: the shell would run each line at once. */
export type PasteRequest = { text: string; runs: boolean };

type Props = { request: PasteRequest | null; onClose: () => void; onPaste: (text: string) => void };

const MAX_SHOWN_CHARS = 20_000;

/** Shows several lines before they are pasted, because the clipboard may differ from the text that was selected. */
export function PasteDialog({ request, onClose, onPaste }: Props) {
  const shown = useLastAsked(request);
  const button = useRef<HTMLButtonElement>(null);
  if (shown === null) return null;
  const { text, runs } = shown;
  // Without the last newline, the last line runs only when the person presses Enter.
  const lines = text.replace(/\n+$/, '').split('\n');

  function paste(pasted: string) {
    onClose();
    onPaste(pasted);
  }

  return (
    <ConfirmDialog
      open={request !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={button}
      title={`Paste ${lines.length} lines`}
      description={
        runs
          ? 'Every line except the last runs at once, as if you pressed Enter after it.'
          : 'The lines are inserted. They run when you press Enter.'
      }
      footer={
        <>
          <Button className="mr-auto" onClick={() => paste(asOneLine(lines))}>
            Paste as one line
          </Button>
          <Button onClick={onClose}>Cancel</Button>
          <Button ref={button} tone="primary" onClick={() => paste(lines.join('\n'))}>
            Paste {lines.length} lines
          </Button>
        </>
      }
    >
      <section
        aria-label="Text to paste"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: makes it scrollable with the keyboard.
        tabIndex={0}
        className="max-h-[40vh] overflow-auto rounded-md border border-line bg-bg px-3 py-2"
      >
        <pre translate="no" className="font-mono">
          <Visible text={lines.join('\n').slice(0, MAX_SHOWN_CHARS)} shape="block" />
        </pre>
        {text.length > MAX_SHOWN_CHARS ? <p className="mt-2 text-ink-3">The preview is truncated.</p> : null}
      </section>
    </ConfirmDialog>
  );
}

function asOneLine(lines: readonly string[]): string {
  return lines.map((line) => line.trim().replace(/\\$/, '').trimEnd()).join(' ');
}
