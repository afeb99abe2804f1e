import { type ErrorCode, SandkeeperError } from '../errors';
import { FILE_PROBLEMS, type FileProblem } from '../sandbox/guest-file';

const CODES = {
  vanished: 'not_found',
  denied: 'forbidden',
  is_directory: 'invalid',
  not_regular: 'invalid',
  not_directory: 'invalid',
  not_running: 'conflict',
  gone: 'not_found',
  too_large: 'invalid',
  no_space: 'conflict',
  unavailable: 'unavailable',
} satisfies Record<FileProblem, ErrorCode>;

const MESSAGES = {
  vanished: 'There is nothing at this path (any more).',
  denied: 'The permissions in the sandbox do not allow this.',
  is_directory: 'This is a folder, not a file.',
  not_regular: 'This is a pipe, a socket or a device. Opening it could block or change something.',
  not_directory: 'This is not a folder.',
  not_running: 'The sandbox is paused. Its files can be read once it runs.',
  gone: 'There is no such sandbox (any more). It may have been terminated.',
  too_large: 'This is too large.',
  no_space: 'The disk of the sandbox is full.',
  unavailable: 'The sandbox cannot be reached at the moment.',
} satisfies Record<FileProblem, string>;

/** A file of a sandbox that cannot be had, and why. */
export class FileError extends SandkeeperError {
  declare readonly problem: FileProblem;

  constructor(problem: FileProblem, { cause, message }: { cause?: unknown; message?: string } = {}) {
    super(CODES[problem], message ?? MESSAGES[problem], { cause, problem });
  }
}

/** What is wrong with a file or its sandbox, where that is what was thrown. */
export function fileProblemOf(thrown: unknown): FileProblem | null {
  const { problem } = SandkeeperError.from(thrown);
  return FILE_PROBLEMS.find((known) => known === problem) ?? null;
}

const IS_OF_ONE_FILE = {
  vanished: true,
  denied: true,
  is_directory: true,
  not_regular: true,
  not_directory: true,
  not_running: false,
  gone: false,
  too_large: true,
  no_space: false,
  unavailable: false,
} satisfies Record<FileProblem, boolean>;

/** Whether other files of the same sandbox may be had all the same. */
export function isOfOneFile(thrown: unknown): boolean {
  const problem = fileProblemOf(thrown);
  return problem !== null && IS_OF_ONE_FILE[problem];
}
