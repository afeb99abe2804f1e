'use client';

import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { Visible } from '@/components/ui/visible-text';

/** A link in the terminal's output. */
export type LinkRequest = { address: string; text: string };

type Props = { request: LinkRequest | null; onClose: () => void };

/** Shows the address of a link before it is opened. */
export function LinkDialog({ request, onClose }: Props) {
  const shown = useLastAsked(request);
  if (shown === null) return null;
  const { address, text } = shown;
  return (
    <Dialog
      open={request !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Open link"
      description="The text of this link does not show its address. Both come from the sandbox."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            onClick={() => {
              window.open(address, '_blank', 'noopener,noreferrer');
              onClose();
            }}
          >
            Open
          </Button>
        </>
      }
    >
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-2">
        <dt className="text-ink-3">Text</dt>
        <dd translate="no" className="break-all font-mono">
          <Visible text={text} />
        </dd>
        <dt className="text-ink-3">Address</dt>
        <dd translate="no" className="break-all font-mono font-semibold">
          <Visible text={address} />
        </dd>
      </dl>
    </Dialog>
  );
}
