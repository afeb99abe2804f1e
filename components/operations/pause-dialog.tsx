'use client';

import { useRef } from 'react';
import { SandboxName, useConnectionSplit } from '@/components/sandbox/connection-name';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { type FleetsView, losingProcesses } from '@/lib/fleet/fleets';
import { divideByState } from '@/lib/operations/plan/blast-radius';
import type { Sandbox } from '@/lib/sandbox/schema';
import { sandboxCount } from './outcome';

type Props = {
  /** The sandboxes to pause; `null`: closed. */
  sandboxes: readonly Sandbox[] | null;
  /** What the services lack. */
  lacking: FleetsView['lacking'];
  onClose: () => void;
  onChoose: (sandboxes: readonly Sandbox[]) => void;
};

/** Asks before a pause that ends processes. Any other pause can be undone, so it needs no dialog. */
export function PauseDialog({ sandboxes, lacking, onClose, onChoose }: Props) {
  const shown = useLastAsked(sandboxes);
  const cancel = useRef<HTMLButtonElement>(null);
  const { able } = divideByState('pause', shown ?? []);
  const losing = losingProcesses(able, lacking);
  const losingSplit = useConnectionSplit(losing);
  const [first] = shown ?? [];
  if (shown === null || first === undefined) return null;
  const isOne = shown.length === 1;
  const isAll = losing.length === able.length;
  const noun = isOne ? 'sandbox' : sandboxCount(able.length);
  return (
    <ConfirmDialog
      open={sandboxes !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={cancel}
      title={
        isOne ? (
          <>
            Pause sandbox <SandboxName sandboxKey={first.key} />
          </>
        ) : (
          `Pause ${noun}`
        )
      }
      description={
        isOne
          ? 'Its service keeps the files of a paused sandbox, but not its processes. They end now, and a resume does not start them again.'
          : 'A service among them keeps the files of a paused sandbox, but not its processes. They end now, and a resume does not start them again.'
      }
      footer={
        <>
          <Button ref={cancel} onClick={onClose} className="focus:ring-2 focus:ring-accent/40">
            Cancel
          </Button>
          <Button
            tone="primary"
            unavailable={able.length === 0 ? 'None of these sandboxes is running.' : null}
            onClick={() => {
              onChoose(shown);
              onClose();
            }}
          >
            {isOne ? 'Pause and end its processes' : `Pause ${noun}`}
          </Button>
        </>
      }
    >
      {isOne || losing.length === 0 ? null : (
        <p>
          {isAll ? 'All of them lose' : `${losing.length} of ${able.length} lose`} their processes
          {losingSplit === null ? '' : `: ${losingSplit}`}.
        </p>
      )}
    </ConfirmDialog>
  );
}
