import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DataDir, keepSecret, keepSeed, openDataDir } from './data-dir';
import { Faults } from './faults';
import { guestOf } from './guest-of';
import type { GuestHouse, OpenGuests } from './guests';
import { History } from './history';
import { openIdleGuests } from './idle-guests';
import { Tokens } from './ids';
import { Lifecycle } from './lifecycle';
import type { EngineParts } from './parts';
import { RecordFiles, type SetAside } from './record-files';
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
  const files = new RecordFiles(dataDir);
  const registry = new Registry(files, tokens);
  const { records, setAside } = files.load();
  registry.restore(records);
  const runs = new Runs(dataDir.runs);
  const { skippedLines } = runs.load((id) => registry.get(id) !== undefined);
  const history = new History((id) => registry.get(id) !== undefined);
  const house = await openHouse(options, { registry, tokens, history, guestsDir: dataDir.guests, warn });

  const limits = { maxRunning: options.maxRunning, maxLengthMs: options.maxLengthHours * HOUR_MS };
  const guestsDir = dataDir.guests;
  const transitions = new Transitions({
    registry,
    guests: house.guests,
    history,
    runs,
    tokens,
    guestsDir,
    warn,
  });
  const lifecycle = new Lifecycle(registry, transitions, limits, warn);
  let port = options.port;
  const parts: EngineParts = {
    registry,
    lifecycle,
    guests: house.guests,
    history,
    runs,
    faults: new Faults(),
    tokens,
    limits,
    setAside,
    dataDir: dataDir.root,
    domain: () => `localhost:${port}`,
  };
  const server = new EngineServer({ ...parts, dataPlane: house.dataPlane, guestsDir, warn }, apiKey, options);
  await transitions.recover();
  await lifecycle.expire();
  port = await server.listen();
  const expiry = setInterval(() => void lifecycle.expire(), EXPIRY_INTERVAL_MS);

  const notes = notesOf(setAside, skippedLines, house);
  const close = async () => {
    clearInterval(expiry);
    await Promise.race([lifecycle.idle(), sleep(400, undefined, { ref: false })]);
    // Closing the guests ends their streams, which lets the server end by itself.
    const guestsClosed = house.guests
      .close()
      .catch((error: unknown) => warn(`Stopping the guests failed: ${error}`));
    await Promise.all([
      Promise.race([guestsClosed, sleep(1_200, undefined, { ref: false })]),
      server.close(600),
    ]);
    dataDir.unlock();
  };
  return { url: urlOf(options.host, port), port, apiKey, dataDir: dataDir.root, notes, close: once(close) };
}

function openHouse(
  options: EngineOptions,
  parts: {
    registry: Registry;
    tokens: Tokens;
    history: History;
    guestsDir: string;
    warn(message: string): void;
  },
): GuestHouse | Promise<GuestHouse> {
  const { registry, tokens, history: sink, guestsDir, warn } = parts;
  const findGuest = (id: string) => {
    const record = registry.get(id);
    return record === undefined ? undefined : guestOf(record, tokens, guestsDir);
  };
  return (options.openGuests ?? openIdleGuests)({ sink, guestsDir, findGuest, warn });
}

function notesOf(setAside: readonly SetAside[], skippedLines: number, { guests }: GuestHouse): string[] {
  const notes = setAside.map(
    ({ file, reason }) => `A sandbox record could not be read and was set aside: ${file} (${reason})`,
  );
  if (skippedLines > 0) notes.push(`${skippedLines} unreadable lines of the run history were dropped.`);
  if (!guests.processes.available) notes.push(guests.processes.reason ?? 'Processes are not available.');
  return notes;
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
