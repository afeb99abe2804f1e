import { clsx } from 'clsx';

type Props = { running: number; max: number; className?: string };

/** The share of the limit of running sandboxes that a connection uses. */
export function LimitBar({ running, max, className }: Props) {
  const share = max === 0 ? 1 : Math.min(1, running / max);
  return (
    <span
      className={clsx('items-center gap-2', className)}
      title={`${running} of your limit of ${max} running sandboxes`}
    >
      <span aria-hidden className="h-1.5 w-20 overflow-hidden rounded-full bg-line">
        <span
          className={`block h-full rounded-full ${share >= 0.9 ? 'bg-paused' : 'bg-running'}`}
          style={{ width: `${share * 100}%` }}
        />
      </span>
      of {max}
    </span>
  );
}
