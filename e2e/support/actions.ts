import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerAction } from './http';
import { ROOT } from './processes.ts';

type Manifest = { node: Record<string, { exportedName: string; workers: Record<string, unknown> }> };

/** All server actions of the build, each with the pages that include it. */
export function serverActions(): (ServerAction & { pages: string[] })[] {
  const text = readFileSync(join(ROOT, '.next/server/server-reference-manifest.json'), 'utf8');
  const manifest: Manifest = JSON.parse(text);
  return Object.entries(manifest.node).map(([id, { exportedName, workers }]) => ({
    id,
    name: exportedName,
    pages: Object.keys(workers),
  }));
}

export function serverAction(name: string): ServerAction {
  const found = serverActions().find((action) => action.name === name);
  if (!found) throw new Error(`The build has no server action called ${name}.`);
  return found;
}
