import { execFile } from 'node:child_process';
import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPtyBinary, findTool, type JailTools } from './bubblewrap';
import { exactEnv } from './environment';

/** What processes need of this machine, or one sentence that says what to install or change. */
export type JailSupport =
  | { readonly available: true; readonly tools: JailTools }
  | { readonly available: false; readonly reason: string };

const PROBE_DEADLINE_MS = 10_000;

/** The bundled agent beside the bundled engine, or in the build directory where the sources are run. */
export function findAgent(): string | null {
  const here = dirname(fileURLToPath(import.meta.url));
  const places = [join(here, 'agent.mjs'), join(here, '../../../build/agent.mjs')];
  return places.find((path) => existsSync(path)) ?? null;
}

/**
 * Finds out once, at start, whether and with what sandboxes can be started here.
 * @param guestsDir absolute path of the directory that holds the sandboxes
 * @param agent absolute path of the bundled agent
 */
export async function findSupport(guestsDir: string, agent: string | null): Promise<JailSupport> {
  if (process.platform !== 'linux') {
    return no('Processes need Linux: on this system the engine serves everything else.');
  }
  const bwrap = findTool('bwrap');
  if (!bwrap) {
    return no('Processes need bubblewrap: install the package "bubblewrap" and start the engine again.');
  }
  const prlimit = findTool('prlimit');
  if (!prlimit || !findTool('mkfifo')) {
    return no('Processes need prlimit and mkfifo: install the packages "util-linux" and "coreutils".');
  }
  if (!agent) return no('Processes need the file build/agent.mjs: run "npm run build".');
  const obstacle = process.getuid?.() === 0 ? findObstacle([guestsDir, process.execPath, agent]) : null;
  if (obstacle) {
    return no(
      `Processes need ${obstacle} to be open for other users to walk through (chmod o+x): as root the engine runs every sandbox as a user of its own.`,
    );
  }
  const complaint = await probe(bwrap);
  if (complaint !== null) return no(complaint);
  const tools = {
    bwrap,
    prlimit: realpathSync(prlimit),
    node: process.execPath,
    agent,
    pty: findPtyBinary(),
  };
  return { available: true, tools };
}

const no = (reason: string): JailSupport => ({ available: false, reason });

/** Whether namespaces can be made here by the users that sandboxes run as: a container may forbid it. */
function probe(bwrap: string): Promise<string | null> {
  const args = [
    '--unshare-user',
    '--unshare-pid',
    '--unshare-net',
    '--cap-drop',
    'ALL',
    '--ro-bind',
    '/',
    '/',
  ];
  const options = {
    env: exactEnv({}),
    timeout: PROBE_DEADLINE_MS,
    ...(isRoot() ? { uid: 65534, gid: 65534 } : {}),
  };
  return new Promise((resolve) => {
    execFile(bwrap, [...args, '--proc', '/proc', '/bin/true'], options, (error, _, stderr) => {
      if (!error) return resolve(null);
      const said = stderr.trim().split('\n')[0]?.slice(0, 200) ?? '';
      resolve(
        `Processes need user namespaces, which this system forbids (${said || error.message}): allow them (kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0, or a container with --security-opt seccomp=unconfined).`,
      );
    });
  });
}

const isRoot = () => process.getuid?.() === 0;

/** The first directory on the way to one of the paths that other users may not enter; null when there is none. */
function findObstacle(paths: readonly string[]): string | null {
  for (const path of paths) {
    const real = realpathSync(path);
    for (let at = lstatSync(real).isDirectory() ? real : dirname(real); ; at = dirname(at)) {
      if ((statSync(at).mode & 0o001) === 0) return at;
      if (at === dirname(at)) break;
    }
  }
  return null;
}
