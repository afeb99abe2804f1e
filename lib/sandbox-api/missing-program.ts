import type { ProcessEvent } from './envd-process-messages';

const MAX_TEXT_BYTES = 1_024;
/** The codes with which shells and `nice` report a program that they cannot start. */
const CANNOT_START: ReadonlySet<number> = new Set([126, 127]);
const LAUNCHER = /^(?:\S*\/)?nice: /;
const REASON = /no such file|not found|can't execute|cannot execute|permission denied/i;

/**
 * Recognizes a program that does not exist by the output of the daemon's launcher. Older daemons refuse to start it; newer ones
 * start every program through `nice`, so that the failure looks like its own exit (docs/protocol.md#envd-starting-a-process).
 */
export class LaunchWatch {
  readonly #cmd: string;
  #text = '';
  #hasOutput = false;

  constructor(cmd: string) {
    this.#cmd = cmd;
  }

  /** Takes the next event. Returns true at the end of a program that was never started. */
  isMissing(event: ProcessEvent): boolean {
    if (event.kind === 'stderr' && this.#text.length < MAX_TEXT_BYTES)
      this.#text += event.bytes.toString('utf8', 0, MAX_TEXT_BYTES);
    if (event.kind === 'stdout') this.#hasOutput = true;
    if (event.kind !== 'end' || this.#hasOutput || !CANNOT_START.has(event.exitCode)) return false;
    const [line = '', ...rest] = this.#text.trimEnd().split('\n');
    return rest.length === 0 && LAUNCHER.test(line) && line.includes(this.#cmd) && REASON.test(line);
  }
}
