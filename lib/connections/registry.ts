import 'server-only';
import { config } from '../config';
import {
  type ConnectionChange,
  type ConnectionFields,
  type ConnectionKind,
  type ConnectionSource,
  keyTail,
  type ShownConnection,
} from '../connection';
import type { DeclaredConnection } from '../declared-connections';
import { SandkeeperError } from '../errors';
import { addressVariables } from '../sandbox/sdk';
import type { ConnectionName } from '../sandbox-key';
import { singleton } from '../singleton';
import { keySeal } from './secret-key';
import { listStored } from './store';

/** A connection of this installation, with its key. Stays on the server. */
export type KnownConnection = Omit<ConnectionFields, 'kind'> & {
  kind: ConnectionKind;
  source: ConnectionSource;
  /** `null` if it was sealed under another secret key. */
  key: string | null;
  keyTail: string | null;
  isDisabled: boolean;
  createdBy: string | null;
  createdAtMs: number | null;
  version: number;
  changes: readonly ConnectionChange[];
  /** The variable or file that declares it. `null`: it was added in the settings. */
  declaredIn: string | null;
  /** Where a wrong key or address is corrected, for messages. */
  advice: { key: string; address: string };
};

const SETTINGS_ADVICE = {
  key: 'Replace the key under Settings → Connections.',
  address: 'Correct the address under Settings → Connections.',
};

/** How often the connections that other processes have changed are read. */
const RELOAD_EVERY_MS = 10_000;

type Listener = {
  /** Its address, key or title changed. */
  onChange?: (name: ConnectionName) => void;
  /** It was disabled or removed. */
  onEnd?: (name: ConnectionName) => void;
  /** After any change. */
  onList?: () => void;
};

/** The connections of this process: those of the configuration, which never change, and those of the settings. */
export class ConnectionRegistry {
  readonly #declared: readonly KnownConnection[];
  readonly #listeners = new Set<Listener>();
  #stored: readonly KnownConnection[] = [];
  #reloading: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  constructor(declared: readonly KnownConnection[]) {
    this.#declared = declared;
  }

  /** Reads the connections of the settings, and again from time to time, because other processes change them too. */
  async open(): Promise<void> {
    await this.reload();
    this.#timer = setInterval(() => void this.reload().catch(() => {}), RELOAD_EVERY_MS).unref();
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
  }

  /** All of them: the declared ones in their order, then the others by name. */
  list(): readonly KnownConnection[] {
    return [...this.#declared, ...this.#stored];
  }

  /** The names of those that are in use. */
  enabled(): ConnectionName[] {
    return this.list().flatMap(({ name, isDisabled }) => (isDisabled ? [] : name));
  }

  find(name: ConnectionName): KnownConnection | undefined {
    return this.list().find((connection) => connection.name === name);
  }

  /** @throws SandkeeperError `not_found`, or `unavailable` if it is disabled */
  require(name: ConnectionName): KnownConnection {
    const connection = this.find(name);
    if (connection === undefined)
      throw new SandkeeperError('not_found', `There is no connection named ${name}.`);
    if (connection.isDisabled) throw new SandkeeperError('unavailable', describeDisabled(name));
    return connection;
  }

  /** Call after changing a row of the settings. Resolves when everything follows the change. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.catch(() => {}).then(() => this.#read());
    return this.#reloading;
  }

  /** Tells `listener` of changes until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #read(): Promise<void> {
    const declared = new Set(this.#declared.map(({ name }) => name));
    const rows = await listStored(keySeal());
    const next = rows
      .filter(({ name }) => !declared.has(name))
      .map((row): KnownConnection => ({ ...row, declaredIn: null, advice: SETTINGS_ADVICE }));
    const before = new Map(this.#stored.map((connection) => [connection.name, connection]));
    this.#stored = next;
    let isChanged = next.length !== before.size;
    for (const connection of next) {
      const known = before.get(connection.name);
      before.delete(connection.name);
      if (known !== undefined && JSON.stringify(known) === JSON.stringify(connection)) continue;
      isChanged = true;
      if (known === undefined || known.isDisabled) continue;
      this.#tell(connection.isDisabled ? 'onEnd' : 'onChange', connection.name);
    }
    for (const name of before.keys()) this.#tell('onEnd', name);
    if (isChanged) for (const { onList } of this.#listeners) onList?.();
  }

  #tell(event: 'onChange' | 'onEnd', name: ConnectionName): void {
    for (const listener of this.#listeners) listener[event]?.(name);
  }
}

export function describeDisabled(name: ConnectionName): string {
  return `The connection ${name} is disabled. An admin can enable it under Settings → Connections.`;
}

function asKnown({ keySetting, addressSetting, key, ...fields }: DeclaredConnection): KnownConnection {
  return {
    ...fields,
    key,
    keyTail: keyTail(key),
    isDisabled: false,
    createdBy: null,
    createdAtMs: null,
    version: 0,
    changes: [],
    declaredIn: keySetting,
    advice: { key: `Check ${keySetting}.`, address: `Check ${addressSetting}.` },
  };
}

/** The connections in use, without anything secret. */
export function shownConnections(): ShownConnection[] {
  return connections()
    .list()
    .filter(({ isDisabled }) => !isDisabled)
    .map(({ name, title, label, kind, apiUrl, domain, sandboxUrl }) => ({
      name,
      title,
      label,
      kind,
      host: new URL(apiUrl).host,
      variables: addressVariables(kind, { apiUrl, domain, sandboxUrl }),
    }));
}

/** The connections of this process. */
export function connections(): ConnectionRegistry {
  return singleton('connections', () => new ConnectionRegistry(config().connections.map(asKnown)));
}
