import { Sandkeeper } from '../deployment';
import { Moru } from '../moru';
import { choosePort, setServed } from './server-state';

/** Starts the Sandkeeper that all component tests share. */
export default async function setup(): Promise<() => Promise<void>> {
  const sandkeeper = await Sandkeeper.open({
    env: { PORT: String(await choosePort()), SANDKEEPER_BULK_LIMIT: '400' },
  });
  setServed({
    sandkeeper,
    moru: new Moru(sandkeeper.engine),
    sessions: await sandkeeper.openSessions(),
  });
  return () => sandkeeper.close();
}
