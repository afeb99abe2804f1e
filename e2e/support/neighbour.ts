import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../../lib/test-support/remove-tree';
import { EngineProcess, Sandkeeper } from './deployment';
import { Moru } from './moru';

/** A server with the local engine and one more connection, `name`, to an engine of its own. */
export type Neighbourhood = {
  sandkeeper: Sandkeeper;
  local: Moru;
  other: Moru;
  /** The address of the other engine. */
  otherUrl: string;
  close: () => Promise<void>;
};

export async function openNeighbourhood(
  connection: { name: string; title: string; label?: string },
  env: Record<string, string> = {},
): Promise<Neighbourhood> {
  const dir = await mkdtemp(join(tmpdir(), 'sandkeeper-neighbour-'));
  const engine = new EngineProcess(join(dir, 'engine'), 100);
  await engine.start();
  const file = join(dir, 'connections.json');
  const { url, apiKey } = engine;
  const declared = { ...connection, kind: 'moru', apiUrl: url, sandboxUrl: url, key: apiKey };
  await writeFile(file, JSON.stringify({ connections: [declared] }));
  const sandkeeper = await Sandkeeper.open({
    env: { SANDKEEPER_CONNECTIONS: file, SANDKEEPER_LOCAL_ENGINE: 'on', ...env },
  });
  return {
    sandkeeper,
    local: new Moru(sandkeeper.engine),
    other: new Moru(engine),
    otherUrl: url,
    close: async () => {
      await sandkeeper.close();
      await engine.stop();
      await removeTree(dir);
    },
  };
}
