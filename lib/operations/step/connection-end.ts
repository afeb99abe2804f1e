import 'server-only';
import { connections } from '../../connections/registry';
import { SandkeeperError } from '../../errors';
import type { ConnectionName } from '../../sandbox-key';
import { type StepResult, StepStopped } from './step-result';

/** Thrown instead of sending if the connection was disabled or removed. The message says which. */
export class StepDisconnected extends StepStopped {
  override readonly name = 'StepDisconnected';
}

/** Why nothing more can be sent to a connection; `null` while it is in use. */
export function connectionEnd(name: ConnectionName): StepDisconnected | null {
  try {
    connections().require(name);
    return null;
  } catch (thrown) {
    const { code, message } = SandkeeperError.from(thrown);
    return new StepDisconnected(code === 'not_found' ? `The connection ${name} was removed.` : message);
  }
}

/** The result of an item whose connection is no longer in use. `mayHaveBeenSent`: by an earlier process. */
export function disconnected({ message }: StepDisconnected, mayHaveBeenSent = false): StepResult {
  return mayHaveBeenSent
    ? { outcome: 'unknown', message: `The request may have been sent. ${message}` }
    : { outcome: 'failed', message };
}
