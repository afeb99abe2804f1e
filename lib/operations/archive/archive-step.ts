import 'server-only';
import type { Sandbox } from '../../sandbox/schema';
import type { StepResult } from '../step/step-result';
import { type Archiver, NotArchived } from './archiver';

type Options = {
  shown: Sandbox;
  archiver: Archiver;
  /** Reads the sandbox; `null`: gone. */
  read: () => Promise<Sandbox | null>;
  /** Returns a result if the sandbox has changed since it was shown. */
  check: () => Promise<StepResult | null>;
  /** Checks the sandbox again and kills it. */
  kill: (now: Sandbox) => Promise<StepResult>;
};

/** Archives, then kills. If archiving fails, the sandbox is not killed, and a paused one is paused again. */
export async function archiveThenKill({ shown, archiver, read, check, kill }: Options): Promise<StepResult> {
  const wasPaused = shown.state === 'paused';
  try {
    const result = await archiver.archiveThen(shown, { check, kill });
    // It was not killed, and the lease has paused it since that reading.
    return wasPaused && result.sandbox ? withoutReading(result) : result;
  } catch (thrown) {
    if (!(thrown instanceof NotArchived)) throw thrown;
    const now = await read().catch(() => undefined);
    if (now === null)
      return {
        outcome: 'already',
        message: 'It was terminated outside Sandkeeper before its files were archived.',
        sandbox: null,
      };
    const message = `Not archived, so not killed. ${thrown.message}`;
    if (!wasPaused || now === undefined) return { outcome: 'failed', message };
    if (now.state === 'paused') return { outcome: 'failed', message: `${message} It is paused.` };
    // Does not promise a pause if someone else has resumed it.
    const isOurs = await archiver.isOurWake(now).catch(() => false);
    return {
      outcome: 'failed',
      message: isOurs ? `${message} Sandkeeper keeps trying to pause it.` : message,
    };
  }
}

/** The result for a sandbox that is gone before this process archived it. */
export async function judgeGone(archiver: Archiver, result: StepResult): Promise<StepResult> {
  const checked = await archiver.recheck();
  if (checked === null)
    return {
      outcome: 'already',
      message: 'It was terminated outside Sandkeeper before its files were archived.',
      sandbox: null,
    };
  if (checked.fault === null) return result;
  return {
    ...result,
    message: `Its files were archived, but the archive has changed since. ${checked.fault}`,
  };
}

function withoutReading({ sandbox: _, ...result }: StepResult): StepResult {
  return result;
}
