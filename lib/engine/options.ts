import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { API_KEY, type EngineOptions } from './engine';

export const USAGE = `Sandkeeper's local engine: a sandbox server that the Moru SDKs drive unchanged.

Usage: engine [options]

  --port N              Port to listen on, 0 for any free one (default 3100)
  --host ADDRESS        Address to listen on (default 127.0.0.1)
  --next-free-port      Take the next free port when the port is taken
  --data-dir PATH       Where sandboxes are kept (default .sandkeeper/engine)
  --max-running N       How many sandboxes may run at once (default 20)
  --max-length-hours N  How long a sandbox may run from its start or resume (default 1)
  --disk-quota-mb N     How much each sandbox's files may take before uploads are refused
                        (default: its template's disk size, 10240 or more)
  --host-network        Let sandboxes use this machine's network, its own services included
                        (default: each has nothing but its own loopback)
  --help                Show this

Environment: SANDKEEPER_ENGINE_PORT sets the default port, SANDKEEPER_DATA_DIR the directory that holds
engine/ with the data, SANDKEEPER_ENGINE_KEY the API key (otherwise one is made and kept in the data directory).
Options win over the environment.
`;

/** A flag or variable is wrong; the message names it, what it got and what would be right. */
export class OptionError extends Error {
  override name = 'OptionError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the command line and the environment ask for.
 * @returns 'help' when that was asked for.
 * @throws OptionError
 */
export function readOptions(args: readonly string[], environment: Environment): EngineOptions | 'help' {
  const flags = parseFlags(args);
  if (flags.help === true) return 'help';
  const named = (flag: string, text: string | undefined, variable?: string) => {
    if (text !== undefined) return { name: `--${flag}`, text };
    const fromEnvironment = variable === undefined ? undefined : environment[variable];
    return fromEnvironment ? { name: variable ?? '', text: fromEnvironment } : undefined;
  };
  const keyText = environment.SANDKEEPER_ENGINE_KEY || undefined;
  if (keyText !== undefined && !API_KEY.test(keyText)) {
    throw new OptionError(
      'SANDKEEPER_ENGINE_KEY: expected moru_ followed by at least 16 letters and digits.',
    );
  }
  const dataParent = environment.SANDKEEPER_DATA_DIR || '.sandkeeper';
  return {
    host: textOf(named('host', flags.host)) ?? '127.0.0.1',
    port: numberOf(named('port', flags.port, 'SANDKEEPER_ENGINE_PORT'), WHOLE, 0, 65_535) ?? 3100,
    nextFreePort: flags['next-free-port'] === true,
    dataDir: textOf(named('data-dir', flags['data-dir'])) ?? join(dataParent, 'engine'),
    apiKey: keyText,
    maxRunning: numberOf(named('max-running', flags['max-running']), WHOLE, 1, 1_000_000) ?? 20,
    maxLengthHours:
      numberOf(named('max-length-hours', flags['max-length-hours']), DECIMAL, 0.001, 8_760) ?? 1,
    diskQuotaMB: numberOf(named('disk-quota-mb', flags['disk-quota-mb']), WHOLE, 1, 100_000_000),
    hostNetwork: flags['host-network'] === true,
  };
}

type Named = { name: string; text: string };

const WHOLE = { pattern: /^\d+$/, word: 'a whole number' };
const DECIMAL = { pattern: /^\d+(\.\d+)?$/, word: 'a number' };

function numberOf(
  named: Named | undefined,
  form: { pattern: RegExp; word: string },
  min: number,
  max: number,
): number | undefined {
  if (named === undefined) return undefined;
  const value = Number(named.text);
  if (form.pattern.test(named.text) && value >= min && value <= max) return value;
  throw new OptionError(`${named.name}: expected ${form.word} from ${min} to ${max}, got "${named.text}".`);
}

function textOf(named: Named | undefined): string | undefined {
  if (named === undefined || named.text.trim() !== '') return named?.text;
  throw new OptionError(`${named.name}: expected some text, got nothing.`);
}

function parseFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: text,
        host: text,
        'next-free-port': flag,
        'data-dir': text,
        'max-running': text,
        'max-length-hours': text,
        'disk-quota-mb': text,
        'host-network': flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new OptionError(
      `${error instanceof Error ? error.message : error} Run with --help for what there is.`,
    );
  }
}
