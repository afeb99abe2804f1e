'use client';

import { useRoleOn } from '@/components/data/use-person';
import { Button } from '@/components/ui/button';
import { LocalTime } from '@/components/ui/local-time';
import { toast } from '@/components/ui/toast';
import { answerOf } from '@/lib/answer';
import { tryHeldNow } from '@/lib/operations/actions';
import { type OperationView, operationProgress } from '@/lib/operations/record/progress';
import { leftText, ratePerSecond, rateText, restMs } from '@/lib/operations/record/rate';
import type { ConnectionHold } from '@/lib/operations/schema';
import { roleSuffices } from '@/lib/roles';
import type { ConnectionName } from '@/lib/sandbox-key';

/** The rate and remaining time of an operation, and the waits after refusals, with a button that ends a long one. */
export function OperationRate({ view, nowMs }: { view: OperationView; nowMs: number }) {
  const serverNowMs = operationProgress().clock.at(nowMs);
  const { operation, split } = view;
  if (operation.state === 'finished' || operation.cancelledAtMs !== null) return null;
  const holds = view.holds.filter(({ untilMs }) => untilMs > serverNowMs);
  const isSplit = split.length > 1;
  // While all connections wait, nothing has a rate.
  const text =
    holds.length > 0 && holds.length >= split.length ? null : describeRate(view, nowMs, serverNowMs);
  if (text === null && holds.length === 0) return null;
  return (
    <>
      {text === null ? null : <span className="whitespace-nowrap text-ink-3">{text}</span>}
      {holds.map((hold) => (
        <HoldText
          key={hold.connection}
          hold={hold}
          isNamed={isSplit}
          leftMs={hold.untilMs - serverNowMs}
          nowMs={nowMs}
        />
      ))}
    </>
  );
}

/** A wait from which a person may want to end it. */
const LONG_MS = 5_000;
/** A wait from which its end is easier to read than its length. */
const VERY_LONG_MS = 120_000;

type HoldProps = {
  hold: ConnectionHold;
  /** Whether the operation has sandboxes in other connections, which go on. */
  isNamed: boolean;
  leftMs: number;
  nowMs: number;
};

function HoldText({ hold: { isAsked, connection }, isNamed, leftMs, nowMs }: HoldProps) {
  const role = useRoleOn(connection);
  const left = `${Math.ceil(leftMs / 1_000)} s`;
  const endMs = nowMs + leftMs;
  const isVeryLong = isAsked && leftMs >= VERY_LONG_MS;
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2 text-ink-2">
      <span title={isVeryLong ? 'Sandkeeper tries again every minute.' : undefined}>
        {isNamed ? (
          <>
            <span translate="no" className="font-medium text-ink">
              {connection}
            </span>
            :{' '}
          </>
        ) : null}
        {isVeryLong ? (
          <>
            The service asked to wait until{' '}
            <LocalTime ms={Math.round(endMs / 1_000) * 1_000} isShort className="whitespace-nowrap" />.
          </>
        ) : isAsked ? (
          `The service asked to wait ${left}.`
        ) : (
          `The service refuses requests. Next try in ${left}.`
        )}
      </span>
      {leftMs < LONG_MS ? null : (
        <Button
          unavailable={roleSuffices(role, 'operator') ? null : 'Requires the operator role.'}
          aria-label={isNamed ? `Try ${connection} now` : undefined}
          onClick={() => void tryNow(connection)}
        >
          Try now
        </Button>
      )}
    </span>
  );
}

async function tryNow(connection: ConnectionName): Promise<void> {
  const result = await answerOf(tryHeldNow({ connection }));
  if (result?.ok) return;
  toast.error('Could not try now', {
    description: result?.error.message ?? 'The server could not be reached.',
  });
}

function describeRate(
  { operation, samples }: OperationView,
  nowMs: number,
  serverNowMs: number,
): string | null {
  const startsAtMs = operation.startsAtMs + (nowMs - serverNowMs);
  const perSecond = ratePerSecond(samples, { startsAtMs, nowMs });
  const leftMs = restMs(operation.counts, perSecond);
  return perSecond === null || leftMs === null ? null : `${rateText(perSecond)}, ${leftText(leftMs)}`;
}
