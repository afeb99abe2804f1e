import { close, openDirectoryAt, openParent, statOf } from './descriptors';
import { codeOf, SafeFsError } from './safe-fs-error';

/** A directory to descend into: its raw name and the visitor's data for it. */
export type Branch<Mark> = { readonly name: string; readonly mark: Mark };

export type TreeVisitor<Mark> = {
  /** Processes one pinned directory. Returns the subdirectories to visit. */
  enter(dirFd: number, mark: Mark): Promise<Branch<Mark>[]>;
  /** Called after everything below a branch has been visited, with the descriptor of its parent. */
  leave?(parentFd: number, branch: Branch<Mark>): Promise<void>;
};

/**
 * Open descriptors per visit. A tree may be deeper than the limit of open files. Beyond this depth the visit closes
 * parents and returns to them through `..`, comparing device and inode.
 */
const MAX_OPEN_LEVELS = 64;

type Level<Mark> = {
  branch: Branch<Mark> | null;
  /** Null while closed. */
  fd: number | null;
  readonly dev: number;
  readonly ino: number;
  readonly pending: Branch<Mark>[];
};

/**
 * Visits the directory pinned by `topFd` and everything below it, depth first, in the order `enter` returns. Never
 * follows links. Skips directories that are removed during the visit.
 * @throws SafeFsError ESTALE if a deep directory is moved during the visit
 */
export async function visitTree<Mark>(topFd: number, mark: Mark, visitor: TreeVisitor<Mark>): Promise<void> {
  const levels: Level<Mark>[] = [];
  try {
    levels.push(await openLevel(await openDirectoryAt(topFd, '.'), null, mark, visitor));
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      const branch = level.pending.pop();
      const fd = descriptorOf(level);
      if (!branch) {
        levels.pop();
        await returnTo(levels.at(-1), fd, level.branch, visitor);
        continue;
      }
      const childFd = await openBranch(fd, branch.name);
      if (childFd === null) continue;
      levels.push(await openLevel(childFd, branch, branch.mark, visitor));
      if (levels.length <= MAX_OPEN_LEVELS) continue;
      close(fd);
      level.fd = null;
    }
  } finally {
    for (const { fd } of levels) if (fd !== null) close(fd);
  }
}

async function openLevel<Mark>(
  fd: number,
  branch: Branch<Mark> | null,
  mark: Mark,
  visitor: TreeVisitor<Mark>,
): Promise<Level<Mark>> {
  try {
    const { dev, ino } = await statOf(fd);
    const pending = await visitor.enter(fd, mark);
    return { branch, fd, dev, ino, pending: pending.reverse() };
  } catch (error) {
    close(fd);
    throw error;
  }
}

async function returnTo<Mark>(
  above: Level<Mark> | undefined,
  doneFd: number,
  done: Branch<Mark> | null,
  visitor: TreeVisitor<Mark>,
): Promise<void> {
  try {
    if (!above || !done) return;
    above.fd ??= await reopenAbove(doneFd, above);
    await visitor.leave?.(above.fd, done);
  } finally {
    close(doneFd);
  }
}

async function reopenAbove<Mark>(fd: number, above: Level<Mark>): Promise<number> {
  const parentFd = await openParent(fd);
  const { dev, ino } = await statOf(parentFd);
  if (dev === above.dev && ino === above.ino) return parentFd;
  close(parentFd);
  throw new SafeFsError('ESTALE', 'the directory was moved during the operation');
}

function descriptorOf<Mark>(level: Level<Mark>): number {
  if (level.fd === null) throw new Error('a level was visited without its descriptor');
  return level.fd;
}

async function openBranch(dirFd: number, name: string): Promise<number | null> {
  try {
    return await openDirectoryAt(dirFd, name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw error;
  }
}
