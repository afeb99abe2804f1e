import 'server-only';
import type { Sandbox } from '../../sandbox/schema';
import type { StepResult } from '../step/step-result';
import { type Archiver, NotArchived } from './archiver';

type Ways = {
  shown: Sandbox;
  saver: Archiver;
  /** A fresh reading; `null`: gone. */
  read: () => Promise<Sandbox | null>;
  /** Looks whether it still is as it was shown; answers what is true where it is not. */
  look: () => Promise<StepResult | null>;
  /** Looks once more whether it is as it was, and kills it. */
  kill: (now: Sandbox) => Promise<StepResult>;
};

/** The part of a kill that saves files first. What could not be saved is not killed, and a paused one is paused again. */
export async function archiveThenKill({ shown, saver, read, look, kill }: Ways): Promise<StepResult> {
  const wasPaused = shown.state === 'paused';
  try {
    const result = await saver.archiveThen(shown, { look, kill });
    // Not killed after all: it has been paused again since that reading.
    return wasPaused && result.sandbox ? withoutReading(result) : result;
  } catch (thrown) {
    if (!(thrown instanceof NotArchived)) throw thrown;
    const now = await read().catch(() => undefined);
    if (now === null)
      return {
        outcome: 'already',
        message: 'It was terminated by other means before its files were saved.',
        sandbox: null,
      };
    const message = `Not saved, so not killed. ${thrown.message}`;
    if (!wasPaused || now === undefined) return { outcome: 'failed', message };
    if (now.state === 'paused') return { outcome: 'failed', message: `${message} It is paused.` };
    // Where somebody else runs it, it is theirs to pause.
    const isOurs = await saver.isOurWake(now).catch(() => false);
    return {
      outcome: 'failed',
      message: isOurs ? `${message} It is paused as soon as that works.` : message,
    };
  }
}

/** What is true of a sandbox that was found gone although nobody here has saved its files just now. */
export async function judgeGone(saver: Archiver, result: StepResult): Promise<StepResult> {
  const checked = await saver.recheck();
  if (checked === null)
    return {
      outcome: 'already',
      message: 'It was terminated by other means before its files were saved.',
      sandbox: null,
    };
  if (checked.fault === null) return result;
  return { ...result, message: `Its files were saved, but the archive is not as it was. ${checked.fault}` };
}

function withoutReading({ sandbox: _, ...result }: StepResult): StepResult {
  return result;
}
