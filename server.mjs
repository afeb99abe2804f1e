// The HTTP front: security headers and host check for every request, Next.js for pages and routes, the runtime itself for
// files that pass through, `/live` upgrades for the hub. Started by `npm start`, which speaks to it over IPC.
import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import next from 'next';
import { admit, readConfig } from './build/front.mjs';

process.env.NEXT_MANUAL_SIG_HANDLE = '1'; // Next.js waits for open sockets; we close them ourselves.
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
  // `instrumentation.ts` opens the runtime inside Next's module graph, some time after `prepare`, and calls back here.
  const opened = new Promise((resolve, reject) => {
    globalThis[Symbol.for('sandkeeper.door')] = { resolve, reject };
  });
  // Next.js would listen to our server's upgrades by itself; it gets only those that are its own.
  const otherUpgrades = new EventEmitter();
  const app = next({ dev, hostname: config.host, port: config.port, httpServer: otherUpgrades });
  await app.prepare();
  const handle = app.getRequestHandler();
  const runtime = await opened;

  // An upload takes as long as it takes; a browser that has vanished is noticed all the same.
  const patience = { requestTimeout: 0, keepAlive: true, keepAliveInitialDelay: 30_000 };
  // The address of an archive names everything that was selected.
  const server = createServer({ ...patience, maxHeaderSize: 128 * 1024 });
  server.on('request', (req, res) => {
    if (admit(config, req, res, { dev }) && !runtime.serveFiles(req, res)) handle(req, res);
  });
  server.on('upgrade', (req, socket, head) => {
    if (req.url?.split('?')[0] === '/live') runtime.upgradeLive(req, socket, head);
    else if (dev) otherUpgrades.emit('upgrade', req, socket, head);
    else socket.destroy();
  });
  server.on('error', (error) => {
    fail(
      error.code === 'EADDRINUSE'
        ? `Port ${config.port} is taken. Set PORT to another one.`
        : `Cannot listen: ${error.message}`,
    );
  });
  server.listen(config.port, config.host, async () => {
    const ready = { type: 'ready', ...(await runtime.describe()) };
    if (process.send) process.send(ready);
    else console.log(`Sandkeeper is at ${ready.signInUrl}`);
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
