import { Fragment, type ReactNode } from 'react';
import type { WakeEnd, WakeViewer } from '@/lib/wake/schema';

/** How a review ended, as a sentence; `by` is whoever ended it. */
export const ENDED_WORDS = {
  asked: (by) => <>{by} paused it again.</>,
  left: () => 'It was paused again: nobody was looking any more.',
  time: () => 'It was paused again: its time was up.',
  finished: (by) => <>It was paused again: what {by} had woken it for was done.</>,
  elsewhere: () => 'It was paused meanwhile by other means.',
  taken: () => 'It was paused and resumed meanwhile by other means.',
  gone: () => 'It was terminated meanwhile.',
  unwoken: () => 'It did not wake.',
} satisfies Record<WakeEnd, (by: ReactNode) => ReactNode>;

const MAX_NAMES = 3;

/** Who looks, as a sentence; nothing where nobody does. */
export function WhoLooks({ viewers }: { viewers: readonly WakeViewer[] }) {
  const others = viewers.filter(({ isYou }) => !isYou);
  const isYouThere = others.length < viewers.length;
  if (viewers.length === 0) return null;
  if (others.length === 0) return 'Only you are looking.';
  const names: ReactNode[] =
    others.length > MAX_NAMES
      ? [`${others.length} others`]
      : others.map(({ actor }) => <bdi key={actor}>{actor}</bdi>);
  const all = isYouThere ? ['You', ...names] : names;
  return (
    <>
      {all.map((name, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two people may have one name.
        <Fragment key={at}>
          {at === 0 ? '' : at === all.length - 1 ? ' and ' : ', '}
          {name}
        </Fragment>
      ))}{' '}
      {viewers.length === 1 ? 'is' : 'are'} looking.
    </>
  );
}
