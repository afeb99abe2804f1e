import { StringDecoder } from 'node:string_decoder';
import type { LogEntry } from '../guests';
import type { ExitStatus } from './exit-status';

/** A longer line becomes several entries. */
const MAX_LINE_CHARS = 4_096;
/** Per sandbox. Further lines are counted but not logged. */
const MAX_LINES_PER_SECOND = 200;

type Output = 'stdout' | 'stderr';
type Record = (entry: LogEntry) => void;

/** The rate limit of a sandbox's output log, shared by all its processes. */
export class LogBudget {
  #second = 0;
  #left = MAX_LINES_PER_SECOND;
  #omitted = 0;

  take(): boolean {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#left = MAX_LINES_PER_SECOND;
    }
    if (this.#left > 0) {
      this.#left -= 1;
      return true;
    }
    this.#omitted += 1;
    return false;
  }

  takeOmitted(): number {
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }
}

/** Logs the start, output and end of one process (docs/protocol.md#log-entries). */
export class OutputLog {
  readonly #record: Record;
  readonly #budget: LogBudget;
  readonly #pid: number;
  readonly #streams: { [output in Output]: { decoder: StringDecoder; line: string } } = {
    stdout: { decoder: new StringDecoder('utf8'), line: '' },
    stderr: { decoder: new StringDecoder('utf8'), line: '' },
  };

  constructor(record: Record, budget: LogBudget, pid: number) {
    this.#record = record;
    this.#budget = budget;
    this.#pid = pid;
  }

  started(command: string): void {
    const fields = { command, pid: String(this.#pid) };
    this.#record({ timestampMs: Date.now(), eventType: 'process_start', message: command, fields });
  }

  wrote(output: Output, bytes: Buffer): void {
    const stream = this.#streams[output];
    const lines = (stream.line + stream.decoder.write(bytes)).split('\n');
    stream.line = lines.pop() ?? '';
    for (const line of lines) this.#line(output, line);
    while (stream.line.length > MAX_LINE_CHARS) {
      this.#line(output, stream.line.slice(0, MAX_LINE_CHARS));
      stream.line = stream.line.slice(MAX_LINE_CHARS);
    }
  }

  /** Logs lines that have no end yet. */
  flush(): void {
    for (const output of ['stdout', 'stderr'] as const) {
      const { line } = this.#streams[output];
      this.#streams[output].line = '';
      if (line) this.#line(output, line);
    }
  }

  ended({ exitCode, exited, status, error }: ExitStatus): void {
    this.flush();
    const result = { exit_code: exitCode, exited, status, ...(error === undefined ? {} : { error }) };
    const fields = { pid: String(this.#pid), process_result: JSON.stringify(result) };
    this.#record({ timestampMs: Date.now(), eventType: 'process_end', message: status, fields });
  }

  #line(output: Output, line: string): void {
    if (!this.#budget.take()) return;
    const omitted = this.#budget.takeOmitted();
    if (omitted > 0) this.#write(output, `(${omitted} lines omitted)`);
    for (let from = 0; from === 0 || from < line.length; from += MAX_LINE_CHARS) {
      this.#write(output, line.slice(from, from + MAX_LINE_CHARS));
    }
  }

  #write(output: Output, message: string): void {
    const fields = { pid: String(this.#pid) };
    this.#record({ timestampMs: Date.now(), eventType: output, message, fields });
  }
}
