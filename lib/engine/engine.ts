import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DataDir, keepSecret, keepSeed, openDataDir } from './data-dir';
import { Faults } from './faults';
import { guestOf } from './guest-of';
import type { Guests, OpenGuests } from './guests';
import { History } from './history';
import { openIdleGuests } from './idle-guests';
import { Tokens } from './ids';
import { Lifecycle } from './lifecycle';
import type { EngineParts } from './parts';
import { RecordFiles } from './record-files';
import { Registry } from './registry';
import { Runs } from './runs';
import { EngineServer } from './server';
import { Transitions } from './transitions';

/** How late an expiry may be noticed. */
const EXPIRY_INTERVAL_MS = 50;
const HOUR_MS = 3_600_000;
/** What a caller may send as a key: the prefix the clients insist on, and enough behind it. */
export const API_KEY = /^moru_[A-Za-z0-9]{16,}$/;

export type EngineOptions = {
  host: string;
  /** 0 takes any free one. */
  port: number;
  /** Whether to go on with the next ports when `port` is taken. */
  nextFreePort?: boolean;
  dataDir: string;
  /** Without one, the key kept in the data directory, made at the first start. */
  apiKey?: string | undefined;
  maxRunning: number;
  maxLengthHours: number;
  /** MiB that a sandbox's files may take, 1 or more; without it its `diskSizeMB`. For `openGuests`. */
  diskQuotaMB?: number | undefined;
  /** Sandboxes share the network of this machine. For `openGuests`. */
  hostNetwork?: boolean;
  /** What runs the sandboxes; without it nothing runs in them. */
  openGuests?: OpenGuests;
  /** Where lines for the operator go; stderr by default. */
  warn?(message: string): void;
};

export type Engine = {
  url: string;
  port: number;
  apiKey: string;
  dataDir: string;
  /** What the operator should know, one sentence each. */
  notes: string[];
  /** Stops within 2 s: no request, process or lock is left. */
  close(): Promise<void>;
};

/**
 * Starts the engine: takes the data directory, takes up the records in it, ends what has expired meanwhile, listens.
 * @throws StartError with one sentence for the operator: directory in use or not writable, port taken.
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
  const newKey = () => `moru_${randomBytes(20).toString('hex')}`;
  const apiKey = options.apiKey ?? keepSecret(dataDir.root, 'api-key', (text) => API_KEY.test(text), newKey);
  const tokens = new Tokens(keepSeed(dataDir.root));
  const state = openState(dataDir, tokens, warn);
  const { registry, history, runs, setAside } = state;
  const guestsDir = dataDir.guests;
  const findGuest = (id: string) => {
    const record = registry.get(id);
    return record === undefined ? undefined : guestOf(record, tokens, guestsDir);
  };
  const openGuests = options.openGuests ?? openIdleGuests;
  const { guests, dataPlane } = await openGuests({ sink: history, guestsDir, findGuest, warn });

  const limits = { maxRunning: options.maxRunning, maxLengthMs: options.maxLengthHours * HOUR_MS };
  const transitions = new Transitions({ registry, guests, history, runs, tokens, guestsDir, warn });
  const lifecycle = new Lifecycle(registry, transitions, limits, warn);
  let port = options.port;
  const domain = () => `localhost:${port}`;
  const shared = {
    registry,
    lifecycle,
    guests,
    history,
    runs,
    faults: new Faults(),
    tokens,
    limits,
    setAside,
  };
  const parts: EngineParts = { ...shared, dataDir: dataDir.root, domain };
  const server = new EngineServer({ ...parts, dataPlane, guestsDir, warn }, apiKey, options);
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
    await atMost(400, lifecycle.idle());
    const guestsClosed = guests
      .close()
      .catch((error: unknown) => warn(`Stopping the guests failed: ${error}`));
    // Side by side: closing the guests ends their streams, which lets the server end by itself.
    await Promise.all([atMost(1_200, guestsClosed), server.close(600)]);
    runs.close();
    dataDir.unlock();
  };
  const notes = [...state.notes, ...notesOf(guests, options.host)];
  return { url: urlOf(options.host, port), port, apiKey, dataDir: dataDir.root, notes, close: once(close) };
}

/** Everything that was kept, and what the operator should know about how that went. */
function openState(dataDir: DataDir, tokens: Tokens, warn: (message: string) => void) {
  const files = new RecordFiles(dataDir);
  const registry = new Registry(files, tokens);
  const { records, setAside } = files.load();
  registry.restore(records);
  const isAlive = (id: string) => registry.get(id) !== undefined;
  const runs = new Runs(dataDir.runs);
  const { skippedLines } = runs.load(isAlive);
  const notes = setAside.map(
    ({ file, reason }) => `A sandbox record could not be read and was set aside: ${file} (${reason})`,
  );
  if (skippedLines > 0) notes.push(`${skippedLines} unreadable lines of the run history were dropped.`);
  for (const note of notes) warn(note);
  return { registry, runs, history: new History(isAlive), setAside, notes };
}

function notesOf({ processes }: Guests, host: string): string[] {
  const notes = processes.available ? [] : [processes.reason ?? 'Processes are not available.'];
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return isLocal ? notes : [...notes, `Listening on ${host}: other machines can reach it, with the API key.`];
}

function atMost(limitMs: number, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work, sleep(limitMs, undefined, { ref: false })]);
}

/** An address that works from this machine: the wildcard ones are for listening only. */
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
