import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { constants } from 'node:os';
import { SUDO_SOCKET } from './agent-sudo';
import {
  costOf,
  type ExitReport,
  encodeFrame,
  encodeJson,
  encodeUint32,
  type Frame,
  FrameKind,
  FrameReader,
  INPUT_CHUNK_BYTES,
  MAX_REQUEST_BYTES,
  type Refusal,
} from './frames';

const SUBJECT = 1;
/** Variables of the caller that the program keeps. */
const KEPT = /^(PATH|TERM|COLORTERM|LANG|LC_[A-Z]+|TZ)$/;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const;

type Account = {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
};
type Order = {
  readonly account: Account;
  readonly cmd: string;
  readonly args: string[];
  readonly env: Record<string, string>;
};

/** The command `sudo` of a sandbox: runs a program as root or another user. Knows the common options and asks for nothing. */
export function sudo(argv: readonly string[]): void {
  const order = readOrder(argv);
  if (typeof order === 'string') fail(order);
  else if (existsSync(SUDO_SOCKET)) new Call(order).start();
  else printCommand(order);
}

/**
 * Where root is only another name of the user, there is nobody else to become. Prints what the shell that started this runs
 * in its place.
 */
function printCommand({ cmd, args, env }: Order): void {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const words = ['env', '-i', ...variables, cmd, ...args];
  console.log(`exec ${words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}`);
}

class Call {
  readonly #order: Order;
  readonly #hasTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  readonly #socket: Socket = connect(SUDO_SOCKET);
  readonly #frames = new FrameReader(MAX_REQUEST_BYTES);
  #unwritten = 0;
  #report: ExitReport | null = null;
  #onAccepted = () => {};

  constructor(order: Order) {
    this.#order = order;
  }

  start(): void {
    const { account, cmd, args, env } = this.#order;
    const pty = this.#hasTerminal ? { cols: process.stdout.columns, rows: process.stdout.rows } : null;
    const { uid, gid } = account;
    const request = { cmd, args, env, cwd: process.cwd(), stdin: true, pty, ids: { uid, gid } };
    this.#send(FrameKind.spawn, encodeJson(request));
    this.#socket.on('data', (chunk) => {
      for (const frame of this.#frames.read(chunk)) this.#receive(frame);
    });
    this.#socket.on('error', () => fail('the sandbox does not answer'));
    this.#socket.once('close', () => this.#finish(this.#report ?? { code: null, signal: 'SIGHUP' }));
    for (const name of FORWARDED) {
      process.on(name, () => this.#send(FrameKind.signal, Buffer.from([constants.signals[name]])));
    }
  }

  #send(kind: FrameKind, payload?: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeFrame(kind, SUBJECT, payload));
  }

  #receive({ kind, payload }: Frame): void {
    if (kind === FrameKind.started) void this.#forwardInput();
    else if (kind === FrameKind.accepted) this.#onAccepted();
    else if (kind === FrameKind.stderr) this.#write(process.stderr, payload);
    else if (kind === FrameKind.stdout || kind === FrameKind.output) this.#write(process.stdout, payload);
    else if (kind === FrameKind.refused) fail((JSON.parse(String(payload)) as Refusal).message);
    else if (kind === FrameKind.ended || kind === FrameKind.exited) {
      this.#report = JSON.parse(String(payload)) as ExitReport;
      this.#exitWhenWritten();
    }
  }

  async #forwardInput(): Promise<void> {
    const { stdin, stdout } = process;
    if (this.#hasTerminal) {
      stdin.setRawMode(true);
      stdout.on('resize', () => {
        const size = Buffer.allocUnsafe(4);
        size.writeUInt16BE(stdout.columns, 0);
        size.writeUInt16BE(stdout.rows, 2);
        this.#send(FrameKind.resize, size);
      });
    }
    try {
      for await (const chunk of stdin as AsyncIterable<Buffer>) {
        for (let from = 0; from < chunk.length; from += INPUT_CHUNK_BYTES) {
          const accepted = new Promise<void>((resolve) => {
            this.#onAccepted = resolve;
          });
          this.#send(FrameKind.input, chunk.subarray(from, from + INPUT_CHUNK_BYTES));
          await accepted;
        }
      }
    } catch {
      // The input cannot be read, so it has no more.
    }
    this.#send(FrameKind.finish);
  }

  #write(target: NodeJS.WriteStream, bytes: Buffer): void {
    this.#unwritten += 1;
    target.write(bytes, () => {
      this.#unwritten -= 1;
      this.#send(FrameKind.credit, encodeUint32(costOf(bytes)));
      this.#exitWhenWritten();
    });
  }

  #exitWhenWritten(): void {
    if (this.#report && this.#unwritten === 0) this.#finish(this.#report);
  }

  #finish(report: ExitReport): void {
    if (this.#hasTerminal) process.stdin.setRawMode(false);
    process.exit(exitCodeOf(report));
  }
}

/** Reads the command line. Returns what is wrong with it. */
function readOrder(argv: readonly string[]): Order | string {
  const rest = [...argv];
  const given: Record<string, string> = {};
  let name = 'root';
  let isShell = false;
  let keepsAll = false;
  for (let word = rest[0]; word !== undefined; word = rest[0]) {
    const assignment = /^([A-Za-z_]\w*)=(.*)$/s.exec(word);
    if (assignment) given[assignment[1] ?? ''] = assignment[2] ?? '';
    else if (word === '-u' || word === '--user') name = rest.splice(1, 1)[0] ?? '';
    else if (/^(-u|--user=)./.test(word)) name = word.replace(/^(-u|--user=)/, '');
    else if (word === '-g' || word === '-p' || word === '-C') rest.splice(1, 1);
    else if (/^-[is]$|^--(login|shell)$/.test(word)) isShell = true;
    else if (/^-E$|^--preserve-env/.test(word)) keepsAll = true;
    else if (/^-[vlkK]+$|^--(validate|list)$/.test(word)) process.exit(0);
    else if (word === '--') {
      rest.shift();
      break;
    } else if (!/^-[nSHAb]+$|^--(non-interactive|stdin|set-home)$/.test(word)) {
      if (word.startsWith('-')) return `unknown option ${word}`;
      break;
    }
    rest.shift();
  }
  const account = findAccount(name);
  if (!account) return `unknown user ${name}`;
  const [cmd, ...args] = isShell
    ? [account.shell, ...(rest.length > 0 ? ['-c', rest.join(' ')] : ['-l'])]
    : rest;
  if (cmd === undefined) return 'usage: sudo [-u user] [VAR=value] command [argument …]';
  return { account, cmd, args, env: { ...environmentOf(account, keepsAll), ...given } };
}

function environmentOf({ name, home }: Account, keepsAll: boolean): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([key, value]) => value !== undefined && (keepsAll || KEPT.test(key)),
  );
  const caller = {
    SUDO_USER: process.env.USER ?? 'user',
    SUDO_UID: String(process.getuid?.() ?? ''),
    SUDO_GID: String(process.getgid?.() ?? ''),
  };
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    ...caller,
    HOME: home,
    USER: name,
    LOGNAME: name,
  };
}

/** A user of the sandbox by name, or by `#` and number. */
function findAccount(name: string): Account | undefined {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([user = '', , uid, gid, , home = '/', shell = '/bin/sh']) => ({
      name: user,
      uid: Number(uid),
      gid: Number(gid),
      home,
      shell,
    }));
  return accounts.find((account) => account.name === name || `#${account.uid}` === name);
}

function exitCodeOf({ code, signal }: ExitReport): number {
  if (code !== null) return code;
  return 128 + (constants.signals[signal as keyof typeof constants.signals] ?? 0);
}

function fail(message: string): never {
  console.error(`sudo: ${message}`);
  process.exit(1);
}
