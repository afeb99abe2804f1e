import { inspect } from './agent-inspect';
import { serveEngine } from './agent-server';
import { sudo } from './agent-sudo-client';

/**
 * The program that runs inside a sandbox. Without arguments it serves the engine; the engine also starts it for single tasks.
 * It has only the sandbox's privileges, and the engine validates everything it sends.
 *
 * It is bundled separately (`build/agent.mjs`) and imports only this directory and Node's modules.
 */
const [, , task, ...rest] = process.argv;

if (task === 'inspect') {
  const [depth, path = ''] = rest;
  process.stdout.write(JSON.stringify(inspect(path, Number(depth))));
} else if (task === 'sudo') sudo(rest);
else serveEngine();
