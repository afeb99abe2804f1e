'use client';

import { reloadPage } from '@/lib/kept-text';
import '@xterm/xterm/css/xterm.css';
import { clsx } from 'clsx';
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleInfo } from '@/lib/console/schema';
import type { TouchKey } from '@/lib/console/terminal-keys';
import { LinkDialog, type LinkRequest } from './link-dialog';
import { PaneStrips } from './pane-strips';
import { PasteDialog, type PasteRequest } from './paste-dialog';
import { TerminalFind } from './terminal-find';
import { useTerminal } from './use-terminal';

const RECONNECT_EVERY_MS = 2_000;
/** How long the tab says that it has returned, ms. */
const RETURN_SHOWN_MS = 5_000;

export type PaneHandle = {
  clear: () => void;
  /** Switches off all terminal modes, for every tab. */
  reset: () => void;
  find: () => void;
  text: () => string;
  copy: () => Promise<void>;
  press: (key: TouchKey) => void;
  setCtrl: (isOn: boolean) => void;
  /** The element that receives the keys. */
  input: () => HTMLElement | null;
};

type Props = {
  id: string;
  /** The console as listed, until its own state has been received. */
  listed: ConsoleInfo;
  isNew: boolean;
  isActive: boolean;
  isShown: boolean;
  /** Its share of the room while it is the first of two panes; `null` for half. */
  share: number | null;
  fontSize: number;
  forScreenReaders: boolean;
  sandbox: { isRunning: boolean; isGone: boolean };
  onZoom: (step: 1 | -1 | 0) => void;
  onCtrl: (isOn: boolean) => void;
  onLeave: () => void;
  onFocus: () => void;
  onTitle: (title: string) => void;
  /** Called when the state of the connection changes. */
  onLink: ((state: LinkState) => void) | undefined;
  onReplace: () => void;
  onClose: () => void;
  onResume: () => void;
  ref: Ref<PaneHandle>;
};

/** One console: its terminal, notices and dialogs. */
export function TerminalPane({
  id,
  listed,
  isNew,
  isActive,
  isShown,
  share,
  fontSize,
  ref,
  ...props
}: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [isFinding, setIsFinding] = useState(false);
  const [found, setFound] = useState({ at: -1, count: 0 });
  const [toPaste, setToPaste] = useState<PasteRequest | null>(null);
  const [toFollow, setToFollow] = useState<LinkRequest | null>(null);
  const { handle, link, hasFailed, canType } = useTerminal(box, {
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
      onCtrl: props.onCtrl,
    },
  });
  const { onLink, forScreenReaders, sandbox } = props;
  const info = link.info ?? listed;

  useEffect(() => onLink?.(link), [link, onLink]);
  useEffect(() => handle?.terminal.setForScreenReaders(forScreenReaders), [handle, forScreenReaders]);
  useEffect(() => {
    if (isActive) handle?.terminal.focus();
  }, [handle, isActive]);
  // The notice whose button had the focus goes away when the tab may type.
  useEffect(() => {
    if (isActive && canType && isFocusLost()) handle?.terminal.focus();
  }, [handle, isActive, canType]);
  useEffect(() => {
    if (link.returned === null) return;
    const timer = setTimeout(() => handle?.link.dismissReturn(), RETURN_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [handle, link.returned]);
  // The server reconnects to the shell of a paused sandbox only on request.
  const mustReconnect = link.info?.state === 'paused' && (sandbox.isRunning || sandbox.isGone);
  useEffect(() => {
    if (!mustReconnect) return;
    handle?.link.reconnect();
    // The sandbox's state may date from before the pause, so repeat until the console agrees.
    const timer = setInterval(() => handle?.link.reconnect(), RECONNECT_EVERY_MS);
    return () => clearInterval(timer);
  }, [handle, mustReconnect]);

  useImperativeHandle(
    ref,
    () => ({
      clear: () => handle?.terminal.clear(),
      reset: () => handle?.link.reset(),
      find: () => setIsFinding(true),
      text: () => handle?.terminal.text() ?? '',
      press: (key) => handle?.terminal.press(key),
      setCtrl: (isOn) => handle?.terminal.setCtrl(isOn),
      input: () => handle?.terminal.input ?? null,
      copy: () => navigator.clipboard.writeText(handle?.terminal.selection ?? ''),
    }),
    [handle],
  );

  function reset() {
    handle?.link.reset();
    handle?.terminal.focus();
  }

  function endFind() {
    setIsFinding(false);
    handle?.terminal.endFind();
    handle?.terminal.focus();
  }

  return (
    <section
      id={`console-${id}`}
      aria-label={`Terminal ${info.number}`}
      style={share === null ? undefined : { flex: `0 1 ${share * 100}%` }}
      className={clsx(
        // Below this size a terminal is useless, so the room scrolls.
        'isolate flex min-h-48 min-w-48 flex-1 flex-col bg-bg',
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
        onReset={reset}
        onDismiss={() => handle?.link.dismissNotices()}
        onReplace={props.onReplace}
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
        {handle === null ? <Loading hasFailed={hasFailed} /> : null}
        <div className="min-h-0 min-w-0 flex-1 overflow-auto py-3 pl-4">
          <div ref={box} translate="no" className="terminal size-full" />
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

/** Whether the element with the focus has been removed. */
function isFocusLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

function Loading({ hasFailed }: { hasFailed: boolean }) {
  if (!hasFailed)
    return (
      <p translate="no" className="absolute top-3 left-4 font-mono text-ink-3">
        …
      </p>
    );
  return (
    <div role="alert" className="absolute inset-0 z-10 flex flex-col items-start gap-3 bg-bg p-5">
      <p>The terminal could not be loaded. Check your connection, then reload the page.</p>
      <Button onClick={reloadPage}>Reload page</Button>
    </div>
  );
}
