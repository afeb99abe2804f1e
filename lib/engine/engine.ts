import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DataDir, loadOrCreateSecret, loadOrCreateSeed, openDataDir } from './data-dir';
import { Faults } from './faults';
import type { Guests, OpenGuests } from './guests';
import { History } from './history';
import { openIdleGuests } from './idle-guests';
import { Tokens } from './ids';
import { Lifecycle } from './lifecycle';
import { LifecycleEvents } from './lifecycle-events';
import { Lifetimes } from './lifetimes';
import { toGuest } from './record';
import { RecordFiles } from './record-files';
import { Registry } from './registry';
import { EngineServer, type ServerLimits } from './server';
import type { EngineServices } from './services';
import { TemplateCatalog } from './template-catalog';
import { Transitions } from './transitions';

const EXPIRY_INTERVAL_MS = 50;
const HOUR_MS = 3_600_000;
export const API_KEY = /^(moru|e2b)_[A-Za-z0-9]{16,}$/;

export type EngineOptions = {
  host: string;
  /** 0 picks any free port. */
  port: number;
  nextFreePort?: boolean;
  dataDir: string;
  /** Default: the key in the data directory, generated at the first start. */
  apiKey?: string | undefined;
  maxRunning: number;
  maxLengthHours: number;
  limits?: ServerLimits;
  /** MiB of disk per sandbox, at least 1. Default: its `diskSizeMB`. Used by `openGuests`. */
  diskQuotaMB?: number | undefined;
  /** Sandboxes share the network of this machine. Used by `openGuests`. */
  hostNetwork?: boolean;
  /** Serves `/engine/faults`. Default: false. */
  allowFaults?: boolean;
  /** Runs the sandboxes' processes and files. Default: sandboxes without either. */
  openGuests?: OpenGuests;
  /** Writes one line for the operator. Default: to stderr. */
  warn?(message: string): void;
};

export type Engine = {
  url: string;
  port: number;
  apiKey: string;
  dataDir: string;
  /** Notes for the operator, one sentence each. */
  notes: string[];
  /** Stops within 2 s and leaves no request, process or lock behind. */
  close(): Promise<void>;
};

/**
 * Starts the engine: locks the data directory, loads its sandboxes, ends those that have expired, and listens.
 * @throws StartError if the directory is in use or not writable, or the port is taken.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const dataDir = openDataDir(options.dataDir);
  try {
    return await startIn(dataDir, options);
  } catch (error) {
    dataDir.unlock();
    throw error;
  }
}

async function startIn(dataDir: DataDir, options: EngineOptions): Promise<Engine> {
  const warn = options.warn ?? ((message: string) => console.error(`[engine] ${message}`));
  const generateKey = () => `moru_${randomBytes(20).toString('hex')}`;
  const apiKey =
    options.apiKey ?? loadOrCreateSecret(dataDir.root, 'api-key', (text) => API_KEY.test(text), generateKey);
  const tokens = new Tokens(loadOrCreateSeed(dataDir.root));
  const state = openState(dataDir, tokens, warn);
  const { registry, history, lifetimes, events, setAside } = state;
  const guestsDir = dataDir.guests;
  const findGuest = (id: string) => {
    const record = registry.get(id);
    return record === undefined ? undefined : toGuest(record, tokens, guestsDir);
  };
  const openGuests = options.openGuests ?? openIdleGuests;
  const { guests, dataPlane } = await openGuests({ sink: history, guestsDir, findGuest, warn });

  const limits = { maxRunning: options.maxRunning, maxLengthMs: options.maxLengthHours * HOUR_MS };
  const transitions = new Transitions({
    ...{ registry, guests, history, lifetimes, events, tokens, guestsDir, warn },
  });
  const lifecycle = new Lifecycle(registry, transitions, limits, warn);
  let port = options.port;
  const services: EngineServices = {
    registry,
    templates: TemplateCatalog.open(dataDir.templates, dataDir.snapshots, warn),
    lifecycle,
    guests,
    history,
    lifetimes,
    events,
    faults: options.allowFaults === true ? new Faults() : null,
    tokens,
    limits,
    setAside,
    dataDir: dataDir.root,
    domain: () => `localhost:${port}`,
  };
  const server = new EngineServer(
    { ...services, dataPlane, guestsDir, warn },
    apiKey,
    options,
    options.limits,
  );
  try {
    await transitions.recover();
    await lifecycle.expire();
    port = await server.listen();
  } catch (error) {
    await guests.close();
    throw error;
  }
  const expiry = setInterval(() => void lifecycle.expire(), EXPIRY_INTERVAL_MS);

  const close = async () => {
    clearInterval(expiry);
    await withTimeout(400, lifecycle.idle());
    const guestsClosed = guests
      .close()
      .catch((error: unknown) => warn(`Cannot stop the processes of the sandboxes: ${error}`));
    // In parallel: closing the guests ends their streams, which lets the server finish.
    await Promise.all([withTimeout(1_200, guestsClosed), server.close(600)]);
    lifetimes.close();
    events.close();
    dataDir.unlock();
  };
  const notes = [...state.notes, ...notesOf(guests, options.host)];
  return { url: urlOf(options.host, port), port, apiKey, dataDir: dataDir.root, notes, close: once(close) };
}

/** Loads the saved state, with notes about what could not be read. */
function openState(dataDir: DataDir, tokens: Tokens, warn: (message: string) => void) {
  const files = new RecordFiles(dataDir);
  const registry = new Registry(files, tokens);
  const { records, setAside } = files.load();
  registry.restore(records);
  const isAlive = (id: string) => registry.get(id) !== undefined;
  const lifetimes = new Lifetimes(dataDir.lifetimes);
  const events = new LifecycleEvents(dataDir.events, randomUUID);
  const skippedLines = lifetimes.load(isAlive).skippedLines + events.load(registry.all()).skippedLines;
  const notes = setAside.map(
    ({ file, reason }) => `Cannot read a sandbox record; it was moved to set-aside/${file} (${reason})`,
  );
  if (skippedLines > 0) notes.push(`Dropped ${skippedLines} unreadable lines of the sandbox history.`);
  for (const note of notes) warn(note);
  return { registry, lifetimes, events, history: new History(isAlive), setAside, notes };
}

function notesOf({ processes }: Guests, host: string): string[] {
  const notes = processes.available
    ? [...(processes.notes ?? [])]
    : [processes.reason ?? 'Sandboxes cannot run processes here.'];
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return isLocal
    ? notes
    : [...notes, `Listening on ${host}: other machines with the API key can reach this engine.`];
}

function withTimeout(limitMs: number, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work, sleep(limitMs, undefined, { ref: false })]);
}

/** An address that works from this machine. Wildcard addresses are for listening only. */
function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
