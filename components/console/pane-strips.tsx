'use client';

import { type ReactNode, useState } from 'react';
import { useLiveState } from '@/components/data/use-fleet';
import { Button } from '@/components/ui/button';
import { formatCountdown } from '@/components/ui/duration';
import { Strip } from '@/components/ui/strip';
import { useTick } from '@/components/ui/tick';
import { Visible } from '@/components/ui/visible-text';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleInfo } from '@/lib/console/schema';
import { tabClock } from '@/lib/live/server-clock';
import { liveSocket } from '@/lib/live/socket';
import { endingText, lostInputText, NO_CONSOLE, SURVIVORS } from './console-words';

type Props = {
  info: ConsoleInfo;
  link: LinkState;
  isGone: boolean;
  onTakeOver: () => void;
  onKeep: () => void;
  onReset: () => void;
  onDismiss: () => void;
  onReplace: () => void;
  onClose: () => void;
  onResume: () => void;
};

/** The notices above a terminal, each with its actions. */
export function PaneStrips(props: Props) {
  const { info, link, onDismiss } = props;
  return (
    <>
      <MainStrip {...props} />
      {link.lostInput === null ||
      link.lostInput.reason === 'watching' ||
      link.lostInput.reason === 'not_open' ? null : (
        <Strip isDense pulse={link.refusals} actions={<Button onClick={onDismiss}>Dismiss</Button>}>
          {lostInputText(link.lostInput)}
        </Strip>
      )}
      {link.isRestored && info.state === 'open' ? (
        <Strip
          tone="plain"
          isDense
          actions={
            <>
              {link.drives ? <Button onClick={props.onReset}>Reset terminal</Button> : null}
              <Button onClick={onDismiss}>Dismiss</Button>
            </>
          }
        >
          <Strong>A program ended without restoring the terminal.</Strong> Its mouse and screen modes are off.
        </Strip>
      ) : null}
      {info.endsSoon === null || info.state === 'ended' ? null : (
        <EndsSoon info={info} endsSoon={info.endsSoon} onKeep={props.onKeep} />
      )}
    </>
  );
}

/** The most important notice: at most one applies. */
function MainStrip({ info, link, isGone, ...actions }: Props) {
  const { phase, refusals } = link;
  const live = useLiveState();
  if (phase === 'forbidden') {
    return (
      <Strip isDense pulse={refusals}>
        Consoles require the operator role.
      </Strip>
    );
  }
  if (phase === 'unknown') {
    return (
      <Strip isDense pulse={refusals} actions={<EndActions {...actions} isGone={isGone} />}>
        <Strong>This console has ended.</Strong> Sandkeeper was restarted, which ends its shells. {SURVIVORS}
      </Strip>
    );
  }
  if (live === 'blocked') {
    return (
      <Strip
        isDense
        pulse={refusals}
        actions={<Button onClick={() => liveSocket().retryNow()}>Retry now</Button>}
      >
        <Strong>This console cannot be shown.</Strong> {NO_CONSOLE} The shell keeps running.
      </Strip>
    );
  }
  if (phase === 'waiting') {
    return (
      <Strip
        isDense
        pulse={refusals}
        actions={<Button onClick={() => liveSocket().retryNow()}>Retry now</Button>}
      >
        <Strong>Reconnecting…</Strong> The shell keeps running; input is disabled.
      </Strip>
    );
  }
  if (info.state !== 'open' && info.state !== 'starting')
    return <StateStrip info={info} refusals={refusals} isGone={isGone} {...actions} />;
  if (link.info === null || link.drives) return null;
  // Another driver is another question.
  return <WatchingStrip key={info.driver} info={info} refusals={refusals} onTakeOver={actions.onTakeOver} />;
}

type WatchingProps = Pick<Props, 'info' | 'onTakeOver'> & { refusals: number };

/** Asks before it takes the keyboard from somebody who is typing. */
function WatchingStrip({ info, refusals, onTakeOver }: WatchingProps) {
  const [isAsking, setIsAsking] = useState(false);
  const { driver, isMine } = info;
  const asks = isAsking && driver !== null;
  return (
    <Strip
      tone="plain"
      isDense
      pulse={refusals}
      actions={
        <>
          {/* One button, so that it keeps the focus and a double click takes nothing over. */}
          <Button
            onClick={() =>
              asks ? setIsAsking(false) : isMine || driver === null ? onTakeOver() : setIsAsking(true)
            }
          >
            {asks ? 'Keep watching' : isMine ? 'Type here' : 'Take over'}
          </Button>
          {asks ? <Button onClick={onTakeOver}>Take over anyway</Button> : null}
        </>
      }
    >
      <Strong>{asks ? 'Take over?' : 'You are watching.'}</Strong> <Driver info={info} />
      {asks ? ' The take-over is recorded.' : null}
    </Strip>
  );
}

function Driver({ info: { driver, owner, isMine } }: { info: ConsoleInfo }) {
  if (isMine) return 'You are typing in another tab.';
  return driver === null ? (
    <>
      <Visible text={owner} /> owns this console and is away.
    </>
  ) : (
    <>
      <Visible text={driver} /> is typing.
    </>
  );
}

type StateProps = Pick<Props, 'info' | 'isGone' | 'onResume' | 'onReplace' | 'onClose'> & {
  refusals: number;
};

function StateStrip({ info, refusals, isGone, onResume, ...actions }: StateProps) {
  // The page shows one notice for all consoles.
  if (isGone) return null;
  if (info.state === 'paused') {
    return (
      <Strip isDense pulse={refusals} actions={<Button onClick={onResume}>Resume…</Button>}>
        <Strong>The sandbox is paused.</Strong> The shell continues when the sandbox is resumed.
      </Strip>
    );
  }
  if (info.state === 'unreachable') {
    return (
      <Strip isDense pulse={refusals}>
        <Strong>The sandbox is not responding.</Strong> Reconnecting… Some output may be lost.
      </Strip>
    );
  }
  const ending = info.ending ?? { how: 'gone' as const, exitCode: null };
  return (
    <Strip
      tone={ending.how === 'exited' ? 'plain' : 'warning'}
      isDense
      pulse={refusals}
      actions={<EndActions {...actions} isGone={ending.how === 'gone'} />}
    >
      {endingText(ending)}
    </Strip>
  );
}

function EndActions({ isGone, onReplace, onClose }: Pick<Props, 'isGone' | 'onReplace' | 'onClose'>) {
  return (
    <>
      {isGone ? null : (
        <Button tone="primary" onClick={onReplace}>
          Open new shell
        </Button>
      )}
      <Button onClick={onClose}>Close tab</Button>
    </>
  );
}

type EndsSoonProps = {
  info: ConsoleInfo;
  endsSoon: NonNullable<ConsoleInfo['endsSoon']>;
  onKeep: () => void;
};

function EndsSoon({ endsSoon: { atMs, why }, onKeep }: EndsSoonProps) {
  const nowMs = tabClock.at(useTick(1_000));
  const left = formatCountdown(atMs - nowMs);
  return (
    <Strip isDense actions={why === 'idle' ? <Button onClick={onKeep}>Keep open</Button> : null}>
      <Strong>This console closes in {left}</Strong>{' '}
      {why === 'idle' ? 'because it is idle.' : 'because it reaches the maximum duration.'}
    </Strip>
  );
}

function Strong({ children }: { children: ReactNode }) {
  return <strong className="font-semibold">{children}</strong>;
}
