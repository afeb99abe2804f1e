import { operationTitle, sandboxCount } from '@/components/operations/outcome';
import type { Operation } from '@/lib/operations/schema';

type Props = {
  operation: Operation;
  /** Where it is about one sandbox only: then its id says more than the number. */
  sandboxId: string | null;
};

/** What an operation is called: `Kill 145 sandboxes`, or `Kill i66nm4…`. */
export function OperationName({ operation: { act, counts }, sandboxId }: Props) {
  const title = operationTitle(act, counts);
  if (sandboxId === null) return title;
  return (
    <>
      {title.slice(0, -sandboxCount(1).length)}
      <span className="font-mono text-[0.92em]">{sandboxId}</span>
    </>
  );
}
