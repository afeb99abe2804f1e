// The HTTP server: the front (`lib/front.ts`) checks every request, then passes it to the runtime (file transfers), to the
// hub (`/live` upgrades) or to Next.js. `npm start` starts it and talks to it over IPC.
import { EventEmitter } from 'node:events';
import next from 'next';
import { createFront, keepServing, readConfig, warningsOf } from './build/front.mjs';

process.env.NEXT_MANUAL_SIG_HANDLE = '1'; // Next.js would wait for open sockets.
const dev = process.argv.includes('--dev');
if (!dev) process.env.NODE_ENV = 'production';

function fail(message) {
  if (process.send) process.send({ type: 'failed', message });
  else console.error(message);
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 100).unref();
}

const read = readConfig(process.env);
if (read.ok) serve(read.config).catch((error) => fail(`The server could not start: ${error.message}`));
else fail(read.problems.join('\n'));

async function serve(config) {
  // `instrumentation.ts` opens the runtime inside the module graph of Next.js, some time after `prepare`.
  const opened = new Promise((resolve, reject) => {
    globalThis[Symbol.for('sandkeeper.server-runtime')] = { resolve, reject };
  });
  // Next.js would handle every upgrade of the server. It gets only those for its own development socket.
  const otherUpgrades = new EventEmitter();
  const app = next({ dev, hostname: config.host, port: config.port, httpServer: otherUpgrades });
  await app.prepare();
  const handle = app.getRequestHandler();
  const runtime = await opened;

  const server = createFront(
    config,
    {
      serveFiles: runtime.serveFiles,
      servePage: handle,
      upgradeLive: runtime.upgradeLive,
      ...(dev && { upgradeOther: (...request) => otherUpgrades.emit('upgrade', ...request) }),
    },
    { dev },
  );
  server.on('error', (error) => {
    fail(
      error.code === 'EADDRINUSE'
        ? `Port ${config.port} is already in use. Set PORT to another one.`
        : `Cannot listen: ${error.message}`,
    );
  });
  server.listen(config.port, config.host, async () => {
    const ready = { type: 'ready', ...(await runtime.describe()) };
    keepServing(fail);
    if (process.send) process.send(ready);
    else {
      for (const warning of warningsOf(config)) console.warn(warning);
      console.log(`Sandkeeper is at ${ready.signInUrl ?? ready.url}`);
    }
  });

  let stopping = false;
  async function stop() {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), 4000).unref();
    server.close();
    await runtime.close();
    server.closeAllConnections();
    process.exit(0);
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  process.on('disconnect', stop);
}
