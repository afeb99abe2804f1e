import { type ErrorCode, SandkeeperError } from '../errors';
import { FILE_PROBLEMS, type FileProblem } from '../sandbox/file';

const CODES = {
  vanished: 'not_found',
  denied: 'forbidden',
  is_directory: 'invalid',
  not_regular: 'invalid',
  not_seekable: 'invalid',
  not_directory: 'invalid',
  not_running: 'conflict',
  gone: 'not_found',
  too_large: 'invalid',
  no_space: 'conflict',
  unavailable: 'unavailable',
} satisfies Record<FileProblem, ErrorCode>;

const MESSAGES = {
  vanished: 'Nothing exists at this path. It may have been deleted.',
  denied: 'The permissions in the sandbox do not allow this.',
  is_directory: 'This is a folder, not a file.',
  not_regular:
    'This is a pipe, a socket or a device. It is not opened, because that could block or change it.',
  not_seekable: 'The daemon of the sandbox cannot send this file. Read it in a console.',
  not_directory: 'This is not a folder.',
  not_running: 'The sandbox is paused. Resume it to read its files.',
  gone: 'This sandbox does not exist. It may have been terminated.',
  too_large: 'This is too large.',
  no_space: 'The disk of the sandbox is full.',
  unavailable: 'The sandbox cannot be reached. Try again shortly.',
} satisfies Record<FileProblem, string>;

/** A failed operation on a file in a sandbox. */
export class FileError extends SandkeeperError {
  declare readonly problem: FileProblem;

  constructor(problem: FileProblem, { cause, message }: { cause?: unknown; message?: string } = {}) {
    super(CODES[problem], message ?? MESSAGES[problem], { cause, problem });
  }
}

/** The file problem of a thrown value; `null` if it has none. */
export function fileProblemOf(thrown: unknown): FileProblem | null {
  const { problem } = SandkeeperError.from(thrown);
  return FILE_PROBLEMS.find((known) => known === problem) ?? null;
}

const CONCERNS_ONE_FILE = {
  vanished: true,
  denied: true,
  is_directory: true,
  not_regular: true,
  not_seekable: true,
  not_directory: true,
  not_running: false,
  gone: false,
  too_large: true,
  no_space: false,
  unavailable: false,
} satisfies Record<FileProblem, boolean>;

/** Whether other files of the same sandbox may still be accessible. */
export function concernsOneFile(thrown: unknown): boolean {
  const problem = fileProblemOf(thrown);
  return problem !== null && CONCERNS_ONE_FILE[problem];
}
