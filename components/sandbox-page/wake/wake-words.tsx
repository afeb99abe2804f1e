import { Fragment, type ReactNode } from 'react';
import { Visible } from '@/components/ui/visible-text';
import type { WakeEnd, WakeViewer } from '@/lib/wake/schema';

/** How a wake ended, as a sentence. `by`: the person who ended it. */
export const ENDED_WORDS = {
  asked: (by) => <>Paused again by {by}.</>,
  left: () => 'Paused again: no viewers left.',
  time: () => 'Paused again: its time was up.',
  finished: (by) => <>Paused again: the task of {by} was done.</>,
  elsewhere: () => 'Paused outside Sandkeeper.',
  taken: () => 'Resumed outside Sandkeeper.',
  gone: () => 'Terminated outside Sandkeeper.',
  unwoken: () => 'It did not wake.',
} satisfies Record<WakeEnd, (by: ReactNode) => ReactNode>;

const MAX_NAMES = 3;

/** The viewers as a sentence; nothing if there are none. */
export function Viewers({ viewers }: { viewers: readonly WakeViewer[] }) {
  const others = viewers.filter(({ isYou }) => !isYou);
  const isYouThere = others.length < viewers.length;
  if (viewers.length === 0) return null;
  if (others.length === 0) return 'Only you are viewing.';
  const names: ReactNode[] =
    others.length > MAX_NAMES
      ? [`${others.length} others`]
      : others.map(({ actor }) => <Visible key={actor} text={actor} />);
  const all = isYouThere ? ['You', ...names] : names;
  return (
    <>
      {all.map((name, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two people may share a name.
        <Fragment key={at}>
          {at === 0 ? '' : at === all.length - 1 ? ' and ' : ', '}
          {name}
        </Fragment>
      ))}{' '}
      {viewers.length === 1 ? 'is' : 'are'} viewing.
    </>
  );
}
