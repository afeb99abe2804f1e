import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { API_KEY, type EngineOptions } from './engine';

export const USAGE = `Sandkeeper's local engine: a sandbox server for the unmodified SDKs of Moru and E2B.

Usage: engine [options]

  --port N              Port to listen on, 0 for any free port (default 3100)
  --host ADDRESS        Address to listen on (default 127.0.0.1)
  --next-free-port      Use the next free port if the port is taken
  --data-dir PATH       Directory for the sandboxes (default .sandkeeper/engine)
  --max-running N       Maximum number of running sandboxes (default 20)
  --max-length-hours N  Maximum time from a start or resume to the timeout (default 1)
  --disk-quota-mb N     Disk space of each sandbox; uploads beyond it fail
                        (default: the disk size of its template)
  --host-network        Give sandboxes the network of this machine, including its local services
                        (default: each has only its own loopback)
  --faults              Let holders of the API key inject failures through /engine/faults, for tests
  --help                Show this help

Environment variables; options take precedence:

  SANDKEEPER_ENGINE_PORT  Default for --port
  SANDKEEPER_DATA_DIR     Parent of the default data directory, engine/
  SANDKEEPER_ENGINE_KEY   API key (default: generated and saved in the data directory).
                          It works with either prefix, moru_ or e2b_
`;

/** An option or variable is invalid. The message names it and the expected value. */
export class OptionError extends Error {
  override name = 'OptionError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the command line and the environment. @returns `help` for `--help`. @throws OptionError */
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
      'SANDKEEPER_ENGINE_KEY: expected moru_ or e2b_ followed by at least 16 letters and digits.',
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
    allowFaults: flags.faults === true,
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
  throw new OptionError(`${named.name}: expected a value, got an empty one.`);
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
        faults: flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new OptionError(
      `${error instanceof Error ? error.message : error} Run with --help to list the options.`,
    );
  }
}
