import { UnknownOperation } from '@/components/record/log-states';

/** Shown for an operation that does not exist, and for one that the person must not learn of. */
export default function OperationNotFoundPage() {
  return <UnknownOperation />;
}
