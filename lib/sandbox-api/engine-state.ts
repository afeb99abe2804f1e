import 'server-only';
import { singleton } from '../singleton';

/** `npm start`, which runs the local engine beside this process, reports over the IPC channel when it restarts the engine. */
function followEngine(): { isRestarting: boolean } {
  const state = { isRestarting: false };
  process.on('message', (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('isRestarting' in message)) return;
    if ('type' in message && message.type === 'engine') state.isRestarting = message.isRestarting === true;
  });
  return state;
}

/** Follows the local engine from now on. */
export const engineState = () => singleton('engine-state', followEngine);
