'use client';

import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { formatCountdown } from '@/components/ui/duration';
import { Strip } from '@/components/ui/strip';
import { useTick } from '@/components/ui/tick';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleInfo } from '@/lib/console/schema';
import { liveSocket } from '@/lib/live/socket';
import { endingText, lostInputText } from './console-words';
import { consolesClock } from './use-consoles';

type Props = {
  info: ConsoleInfo;
  link: LinkState;
  isGone: boolean;
  onTakeOver: () => void;
  onKeep: () => void;
  onDismiss: () => void;
  onOpenAnew: () => void;
  onClose: () => void;
  onResume: () => void;
};

/** What there is to say about a console, above its terminal, each with what can be done about it. */
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
      {info.endsSoon === null || info.state === 'ended' ? null : (
        <EndsSoon info={info} endsSoon={info.endsSoon} onKeep={props.onKeep} />
      )}
    </>
  );
}

/** The one thing that decides what can be done here at all. */
function MainStrip({ info, link, isGone, ...acts }: Props) {
  const { phase, refusals } = link;
  if (phase === 'forbidden') {
    return (
      <Strip isDense pulse={refusals}>
        This needs the role operator.
      </Strip>
    );
  }
  if (phase === 'unknown') {
    return (
      <Strip isDense pulse={refusals} actions={<EndActs {...acts} isGone={isGone} />}>
        <Strong>This console has ended.</Strong> Sandkeeper was restarted, and its shells end with it. What
        was started with nohup or setsid goes on.
      </Strip>
    );
  }
  if (phase === 'waiting') {
    return (
      <Strip
        isDense
        pulse={refusals}
        actions={<Button onClick={() => liveSocket().retryNow()}>Try now</Button>}
      >
        <Strong>The connection is lost</Strong> and is being tried again. The shell goes on meanwhile; what
        you type goes nowhere.
      </Strip>
    );
  }
  if (info.state !== 'open' && info.state !== 'starting')
    return <StateStrip info={info} refusals={refusals} isGone={isGone} {...acts} />;
  if (link.info === null || link.drives) return null;
  return (
    <Strip
      tone="plain"
      isDense
      pulse={refusals}
      actions={<Button onClick={acts.onTakeOver}>{info.isMine ? 'Type here' : 'Take over'}</Button>}
    >
      <Strong>You are watching.</Strong> <Driver info={info} />
    </Strip>
  );
}

function Driver({ info: { driver, owner, isMine } }: { info: ConsoleInfo }) {
  if (isMine) return 'You type in another tab.';
  return driver === null ? (
    <>
      It belongs to <bdi>{owner}</bdi>, who is not looking at it now.
    </>
  ) : (
    <>
      <bdi>{driver}</bdi> types.
    </>
  );
}

type StateProps = Pick<Props, 'info' | 'isGone' | 'onResume' | 'onOpenAnew' | 'onClose'> & {
  refusals: number;
};

function StateStrip({ info, refusals, isGone, onResume, ...acts }: StateProps) {
  // The page says that already, once for all of them.
  if (isGone) return null;
  if (info.state === 'paused') {
    return (
      <Strip isDense pulse={refusals} actions={<Button onClick={onResume}>Resume…</Button>}>
        <Strong>The sandbox is paused</Strong>, and this shell with it. It goes on where it was once the
        sandbox is resumed.
      </Strip>
    );
  }
  if (info.state === 'unreachable') {
    return (
      <Strip isDense pulse={refusals}>
        <Strong>The sandbox does not answer</Strong> and is being tried again. Output from meanwhile may be
        missing.
      </Strip>
    );
  }
  const ending = info.ending ?? { how: 'gone' as const, exitCode: null };
  return (
    <Strip
      tone={ending.how === 'exited' ? 'plain' : 'warning'}
      isDense
      pulse={refusals}
      actions={<EndActs {...acts} isGone={ending.how === 'gone'} />}
    >
      {endingText(ending)}
    </Strip>
  );
}

function EndActs({ isGone, onOpenAnew, onClose }: Pick<Props, 'isGone' | 'onOpenAnew' | 'onClose'>) {
  return (
    <>
      {isGone ? null : (
        <Button tone="primary" onClick={onOpenAnew}>
          Open anew
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

function EndsSoon({ info, endsSoon: { atMs, why }, onKeep }: EndsSoonProps) {
  const nowMs = consolesClock(info.sandboxId).at(useTick(1_000));
  const left = formatCountdown(atMs - nowMs);
  return (
    <Strip isDense actions={why === 'idle' ? <Button onClick={onKeep}>Keep it</Button> : null}>
      <Strong>This console ends in {left}</Strong>
      {why === 'idle' ? ', because nothing happens in it.' : ': it has been open for as long as one may be.'}
    </Strip>
  );
}

function Strong({ children }: { children: ReactNode }) {
  return <strong className="font-semibold">{children}</strong>;
}
