'use client';

import '@xterm/xterm/css/xterm.css';
import { clsx } from 'clsx';
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleInfo } from '@/lib/console/schema';
import { LinkDialog, type LinkRequest } from './link-dialog';
import { PaneStrips } from './pane-strips';
import { PasteDialog, type PasteRequest } from './paste-dialog';
import { TerminalFind } from './terminal-find';
import { useTerminal } from './use-terminal';

const LOOK_AGAIN_MS = 2_000;

/** What the room can do with a pane. */
export type PaneHandle = {
  clear: () => void;
  find: () => void;
  text: () => string;
  copy: () => Promise<void>;
};

type Props = {
  id: string;
  /** What the list says of it. */
  listed: ConsoleInfo;
  isNew: boolean;
  isActive: boolean;
  isShown: boolean;
  fontSize: number;
  forScreenReaders: boolean;
  sandbox: { isRunning: boolean; isGone: boolean };
  onZoom: (step: 1 | -1 | 0) => void;
  onLeave: () => void;
  onFocus: () => void;
  onTitle: (title: string) => void;
  /** How its connection is, whenever that changes. */
  onLink: ((state: LinkState) => void) | undefined;
  onOpenAnew: () => void;
  onClose: () => void;
  onResume: () => void;
  ref: Ref<PaneHandle>;
};

/** One console: its terminal, what there is to say about it, and what it asks. */
export function TerminalPane({ id, listed, isNew, isActive, isShown, fontSize, ref, ...props }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [isFinding, setIsFinding] = useState(false);
  const [found, setFound] = useState({ at: -1, count: 0 });
  const [toPaste, setToPaste] = useState<PasteRequest | null>(null);
  const [toFollow, setToFollow] = useState<LinkRequest | null>(null);
  const { handle, link, isBroken } = useTerminal(box, {
    id,
    isNew,
    fontSize,
    host: {
      onTitle: props.onTitle,
      onPaste: (text, runs) => setToPaste({ text, runs }),
      onLink: (address, text) => setToFollow({ address, text }),
      onFind: () => setIsFinding(true),
      onFound: setFound,
      onLeave: props.onLeave,
      onZoom: props.onZoom,
    },
  });
  const { onLink, forScreenReaders, sandbox } = props;
  const info = link.info ?? listed;

  useEffect(() => onLink?.(link), [link, onLink]);
  useEffect(() => handle?.terminal.setForScreenReaders(forScreenReaders), [handle, forScreenReaders]);
  useEffect(() => {
    if (isActive) handle?.terminal.focus();
  }, [handle, isActive]);
  // A shell that waits with its sandbox is looked for as soon as that runs again, or has ended.
  const mustLook = link.info?.state === 'paused' && (sandbox.isRunning || sandbox.isGone);
  useEffect(() => {
    if (!mustLook) return;
    handle?.link.reconnect();
    // Again, until both agree: that it runs may be what was known before it was paused.
    const timer = setInterval(() => handle?.link.reconnect(), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [handle, mustLook]);

  useImperativeHandle(
    ref,
    () => ({
      clear: () => handle?.terminal.clear(),
      find: () => setIsFinding(true),
      text: () => handle?.terminal.text() ?? '',
      copy: () => navigator.clipboard.writeText(handle?.terminal.selection ?? ''),
    }),
    [handle],
  );

  function endFind() {
    setIsFinding(false);
    handle?.terminal.endFind();
    handle?.terminal.focus();
  }

  return (
    <section
      id={`console-${id}`}
      aria-label={`Terminal ${info.number}`}
      className={clsx(
        // The line between two of them; that of the first lies under the edge.
        'isolate -mt-px -ml-px flex min-h-0 min-w-0 flex-1 flex-col border-line border-t border-l bg-bg',
        !isShown && 'invisible absolute inset-0',
      )}
      onFocus={props.onFocus}
    >
      <PaneStrips
        info={info}
        link={link}
        isGone={sandbox.isGone}
        onTakeOver={() => handle?.link.takeOver()}
        onKeep={() => handle?.link.keep()}
        onDismiss={() => handle?.link.dismissNotices()}
        onOpenAnew={props.onOpenAnew}
        onClose={props.onClose}
        onResume={props.onResume}
      />
      <div className="relative flex min-h-0 min-w-0 flex-1">
        {isFinding && handle !== null ? (
          <TerminalFind
            found={found}
            onFind={(text, options, direction, incremental) =>
              handle.terminal.find(text, options, direction, incremental)
            }
            onClose={endFind}
          />
        ) : null}
        {handle === null ? <Opening isBroken={isBroken} /> : null}
        <div className="min-h-0 min-w-0 flex-1 overflow-auto py-3 pl-4">
          <div ref={box} className="terminal size-full" />
        </div>
      </div>
      <PasteDialog
        request={toPaste}
        onClose={() => setToPaste(null)}
        onPaste={(text) => handle?.terminal.paste(text)}
      />
      <LinkDialog request={toFollow} onClose={() => setToFollow(null)} />
    </section>
  );
}

function Opening({ isBroken }: { isBroken: boolean }) {
  if (!isBroken) return <p className="absolute top-3 left-4 font-mono text-ink-3">…</p>;
  return (
    <div role="alert" className="absolute inset-0 z-10 flex flex-col items-start gap-3 bg-bg p-5">
      <p>The terminal could not be fetched. The connection seems to be lost.</p>
      <Button onClick={() => window.location.reload()}>Reload the page</Button>
    </div>
  );
}
