'use client';

import { useState } from 'react';
import { useRefresh } from '@/components/data/use-url-state';
import { Button } from '@/components/ui/button';
import { toast } from '@/components/ui/toast';
import { answerOf } from '@/lib/answer';
import { switchConnection } from '@/lib/settings/actions';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';
import { ConnectionDialog } from './connection-dialog';
import { RemoveDialog } from './remove-dialog';
import { ReplaceKeyDialog } from './replace-key-dialog';

type Opened = { dialog: 'edit' | 'key' | 'remove' | null; count: number };

/** The changes of a connection of the settings. */
export function ConnectionActions({ facts }: { facts: ConnectionFacts }) {
  const { name, title, isDisabled } = facts;
  const refresh = useRefresh();
  const [{ dialog, count }, setOpened] = useState<Opened>({ dialog: null, count: 0 });
  const [isSwitching, setIsSwitching] = useState(false);
  const open = (next: Opened['dialog']) => setOpened((before) => ({ dialog: next, count: before.count + 1 }));
  const close = () => setOpened((before) => ({ ...before, dialog: null }));

  async function toggle() {
    setIsSwitching(true);
    const answer = await answerOf(switchConnection({ name, isDisabled: !isDisabled }));
    setIsSwitching(false);
    if (answer?.ok) toast.success(isDisabled ? `Enabled ${title}` : `Disabled ${title}`);
    else
      toast.error(isDisabled ? `Could not enable ${title}` : `Could not disable ${title}`, {
        description:
          answer?.error.message ?? 'The server could not be reached. Reload the page to see its state.',
      });
    refresh();
  }

  return (
    <>
      <Button onClick={() => open('edit')}>Edit…</Button>
      <Button onClick={() => open('key')}>Replace key…</Button>
      <Button isBusy={isSwitching} onClick={() => void toggle()}>
        {isDisabled ? 'Enable' : 'Disable'}
      </Button>
      <Button onClick={() => open('remove')}>Remove…</Button>
      <ConnectionDialog
        key={`edit ${count}`}
        open={dialog === 'edit'}
        connection={facts}
        onClose={close}
        onSaved={refresh}
      />
      <ReplaceKeyDialog
        key={`key ${count}`}
        open={dialog === 'key'}
        facts={facts}
        onClose={close}
        onReplaced={refresh}
      />
      <RemoveDialog key={`remove ${count}`} open={dialog === 'remove'} facts={facts} onClose={close} />
    </>
  );
}
