import type { Sandkeeper } from '../../e2e/support/deployment';
import { cookieOf, openLive } from '../../e2e/support/http';
import { Colleague } from '../../e2e/support/operations';
import type { Operation, OperationEvent } from '../../lib/operations/schema';
import type { SandboxKey } from '../../lib/sandbox-key';

/**
 * Kills sandboxes in one operation. Returns the time from the confirmation until it is finished, as reported to a browser, ms.
 * Throws unless all of them were killed.
 */
export async function timedKill(
  sandkeeper: Sandkeeper,
  session: string,
  keys: readonly SandboxKey[],
): Promise<number> {
  const live = await openLive(sandkeeper, { ...cookieOf(sandkeeper, session), origin: sandkeeper.url });
  live.send({ type: 'subscribe', channel: 'operations' });
  const colleague = new Colleague(sandkeeper, session);
  const plan = await colleague.planKillOf([...keys]);
  const startedMs = performance.now();
  let operation: Operation = await colleague.confirm(plan);
  const { id } = operation;
  for (let at = 0; operation.state !== 'finished'; ) {
    for (; at < live.frames.length; at += 1) {
      const { payload } = JSON.parse(live.frames[at] ?? '{}') as { payload?: OperationEvent };
      if (payload?.operation.id === id) operation = payload.operation;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const tookMs = performance.now() - startedMs;
  live.close();
  if (operation.counts.done !== keys.length)
    throw new Error(`Not all are done: ${JSON.stringify(operation)}`);
  return tookMs;
}
