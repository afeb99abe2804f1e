// `npm start`: installs and builds what is missing, then runs Sandkeeper. `npm run dev` adds --dev.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { provideBubblewrap } from './lib/apt.mjs';
import {
  ensureBuilt,
  ensureBundled,
  ensureInstalled,
  markBuildInUse,
  requireNode,
} from './lib/bootstrap.mjs';
import {
  describeExports,
  handleStopSignals,
  startService,
  stopAndExit,
  superviseService,
} from './lib/children.mjs';
import { engineEnvironment } from './lib/engine-environment.mjs';
import { loadEnvFile } from './lib/env-file.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { choosePort } from './lib/ports.mjs';
import { serverMemory, serverProgram } from './lib/server-process.mjs';
import { bold, complain, dim, red, runMain, say, yellow } from './lib/terminal.mjs';

const isDev = process.argv.includes('--dev');

handleStopSignals({ exitCode: 0, onRequest: () => say('\nStopping …') });

async function prepare() {
  requireNode();
  process.chdir(root);
  loadEnvFile(inRoot('.env'));
  await ensureInstalled();
  if (isDev) await ensureBundled();
  else {
    await ensureBuilt();
    markBuildInUse();
  }
}

async function readConfiguration() {
  const { readConfig, warningsOf } = await import(pathToFileURL(inRoot('build/front.mjs')).href);
  const read = readConfig(process.env);
  if (!read.ok) {
    for (const problem of read.problems) complain(red(problem));
    process.exit(1);
  }
  for (const warning of warningsOf(read.config)) complain(yellow(warning));
  return read.config;
}

/** @param {string} variable */
const isSet = (variable) => Boolean(process.env[variable]?.trim());

/** @param {string} problem */
function giveUp(problem) {
  complain(red(problem));
  return stopAndExit(1);
}

/**
 * Starts the server and waits until it is ready. If it ends by itself, now or later, the command ends.
 * @param {NodeJS.ProcessEnv} env
 */
async function launchServer(env) {
  const service = startService('server', [...serverProgram, ...(isDev ? ['--dev'] : [])], {
    cwd: root,
    env: { ...process.env, ...env },
    readyTimeoutMs: 60_000,
  });
  service.death.then(giveUp);
  const ready = await service.ready.catch((error) => giveUp(error.message));
  return { ...ready, process: service.child };
}

/** Tells the server, and by it every page, whether the engine is being restarted. */
const engineState = {
  isRestarting: false,
  /** @type {import('node:child_process').ChildProcess | undefined} */
  server: undefined,
  /** @param {boolean} isRestarting */
  set(isRestarting) {
    this.isRestarting = isRestarting;
    this.tell();
  },
  tell() {
    if (this.server?.connected) this.server.send({ type: 'engine', isRestarting: this.isRestarting });
  },
};

/** Starts the engine. When it ends by itself later, it is started again on the same port. @param {any} config */
async function launchEngine(config) {
  // Without bubblewrap the engine reports what is missing.
  await provideBubblewrap();
  const isExplicit = isSet('SANDKEEPER_ENGINE_PORT');
  if (isExplicit) {
    await choosePort({
      variable: 'SANDKEEPER_ENGINE_PORT',
      port: config.enginePort,
      host: '127.0.0.1',
      isExplicit,
    });
  }
  const engine = await superviseService(
    'engine',
    (previous) => [
      '--enable-source-maps',
      'build/engine.mjs',
      '--port',
      String(previous?.port ?? config.enginePort),
      '--data-dir',
      path.join(config.dataDir, 'engine'),
      ...(isExplicit || previous ? [] : ['--next-free-port']),
    ],
    {
      cwd: root,
      env: engineEnvironment(process.env),
      readyTimeoutMs: 60_000,
      onDown: (sentence, waitMs) => {
        engineState.set(true);
        complain(red(`${sentence} It is started again in ${waitMs / 1000} s.`));
      },
      onUp: () => {
        engineState.set(false);
        say('The engine is running again.');
      },
    },
  ).catch((error) => giveUp(error.message));
  if (engine.port !== config.enginePort) {
    say(
      yellow(
        `Port ${config.enginePort} is already in use, so the engine uses ${engine.port} instead. Set SANDKEEPER_ENGINE_PORT to choose one.`,
      ),
    );
  }
  return engine;
}

/** @param {any} config @param {any} engine @param {any} server */
function printWelcome(config, engine, server) {
  const row = (/** @type {string} */ name, /** @type {string} */ value) =>
    say(`  ${dim(name.padEnd(10))} ${value}`);
  say();
  say(`  ${bold('Sandkeeper is running.')} ${dim('Ctrl-C stops it.')}`);
  say();
  row(server.signInUrl === null ? 'Address' : 'Sign in', bold(server.signInUrl ?? server.url));
  if (server.signInUrl !== null)
    row('', dim('The link works once, for 15 minutes. “npm run sign-in-link” prints another.'));
  row('Data', config.dataDir);
  for (const { name, kind, apiUrl } of config.connections)
    row(
      'Connection',
      `${name}, ${kind === 'local' ? `the local engine at ${engine?.url ?? apiUrl}` : apiUrl}`,
    );
  if (engine) {
    say();
    say('  Any Moru SDK drives the same engine with:');
    say();
    say(describeExports(engine));
    for (const note of engine.notes) say(`\n  ${yellow(note)}`);
  }
  say();
}

await runMain(async () => {
  await prepare();
  const config = await readConfiguration();
  const { port, note } = await choosePort({
    variable: 'PORT',
    port: config.port,
    host: config.host,
    isExplicit: isSet('PORT'),
    avoid: [config.enginePort],
  });
  if (note) say(yellow(note));
  const engine = config.connections.some(({ kind }) => kind === 'local')
    ? await launchEngine(config)
    : undefined;
  const server = await launchServer({
    ...serverMemory,
    PORT: String(port),
    HOST: config.host,
    SANDKEEPER_DATA_DIR: config.dataDir,
    NODE_ENV: isDev ? 'development' : 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    ...(engine && { SANDKEEPER_ENGINE_URL: engine.url, SANDKEEPER_ENGINE_KEY: engine.apiKey }),
  });
  engineState.server = server.process;
  if (engineState.isRestarting) engineState.tell();
  printWelcome(config, engine, server);
});
