'use client';

import { type RefObject, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { formatBytes } from '@/components/ui/bytes';
import { ConsoleLink, type LinkState, UNLINKED } from '@/lib/console/link';
import { PageTerminal, type TerminalHost } from '@/lib/console/terminal';
import { liveSocket } from '@/lib/live/socket';

export type TerminalHandle = { terminal: PageTerminal; link: ConsoleLink };

type Options = {
  id: string;
  isNew: boolean;
  fontSize: number;
  host: Omit<TerminalHost, 'onInput' | 'onResize' | 'formatBytes'>;
};

/** Shows a console in the element of `box`. `hasFailed` if the terminal's code could not be loaded. */
export function useTerminal(box: RefObject<HTMLElement | null>, { id, isNew, fontSize, host }: Options) {
  const [handle, setHandle] = useState<TerminalHandle | null>(null);
  const [hasFailed, setHasFailed] = useState(false);
  const latest = useRef({ host, fontSize, isNew });
  // The terminal lives outside React and calls the handlers of the latest render.
  useEffect(() => {
    latest.current = { host, fontSize, isNew };
  });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const opening = openTerminal(element, id, () => latest.current);
    let isCurrent = true;
    opening.then(
      (opened) => isCurrent && setHandle(opened),
      () => isCurrent && setHasFailed(true),
    );
    return () => {
      isCurrent = false;
      setHandle(null);
      void opening.then(
        ({ terminal, link }) => {
          link.leave();
          terminal.dispose();
        },
        () => {},
      );
    };
  }, [box, id]);
  const link = useSyncExternalStore(
    handle?.link.subscribe ?? noSubscription,
    handle?.link.state ?? unlinked,
    unlinked,
  );
  useTerminalState(handle, link, fontSize);
  return { handle, link, hasFailed, canType: canTypeIn(link) };
}

const noSubscription = () => () => {};
const unlinked = () => UNLINKED;

type Latest = () => Pick<Options, 'host' | 'fontSize' | 'isNew'>;

async function openTerminal(element: HTMLElement, id: string, latest: Latest): Promise<TerminalHandle> {
  let link: ConsoleLink | null = null;
  const terminal = await PageTerminal.open(
    element,
    {
      onInput: (bytes) => link?.type(bytes),
      onResize: (size) => link?.resize(size),
      onTitle: (title) => latest().host.onTitle(title),
      onPaste: (text, runs) => latest().host.onPaste(text, runs),
      onLink: (address, text) => latest().host.onLink(address, text),
      onFind: () => latest().host.onFind(),
      onFound: (results) => latest().host.onFound(results),
      onLeave: () => latest().host.onLeave(),
      onZoom: (step) => latest().host.onZoom(step),
      onCtrl: (isOn) => latest().host.onCtrl(isOn),
      formatBytes,
    },
    latest().fontSize,
  );
  link = new ConsoleLink(id, terminal, liveSocket(), { client: newClientId(), isNew: latest().isNew });
  return { terminal, link };
}

/** Whether input reaches the shell. */
function canTypeIn({ info, drives, phase }: Pick<LinkState, 'info' | 'drives' | 'phase'>): boolean {
  return phase === 'attached' && drives && info?.state === 'open';
}

/** Applies the console's state and the person's preferences to the terminal. */
function useTerminalState(
  handle: TerminalHandle | null,
  { info, drives, phase }: LinkState,
  fontSize: number,
): void {
  const canType = canTypeIn({ info, drives, phase });
  const isWatching = phase === 'attached' && info !== null && !drives;
  const cols = info?.size.cols;
  const rows = info?.size.rows;
  useEffect(() => {
    const fixed = isWatching && cols !== undefined && rows !== undefined ? { cols, rows } : null;
    handle?.terminal.fix(fixed);
  }, [handle, isWatching, cols, rows]);
  useEffect(() => handle?.terminal.setReadOnly(!canType), [handle, canType]);
  useEffect(() => handle?.terminal.setFontSize(fontSize), [handle, fontSize]);
}

function newClientId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
