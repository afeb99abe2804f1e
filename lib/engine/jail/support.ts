import { execFile } from 'node:child_process';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPtyBinary, findTool, type JailTools } from './bubblewrap';
import { exactEnv } from './environment';

/** What processes need of this machine, or one sentence that says what to install or change. */
export type JailSupport =
  | { readonly available: true; readonly tools: JailTools }
  | { readonly available: false; readonly reason: string };

const PROBE_DEADLINE_MS = 10_000;
const NOBODY = 65_534;

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
  if (!agent || !existsSync(agent))
    return no('Processes need the file build/agent.mjs: run "npm run build".');
  const isClosed = isRoot() && [guestsDir, process.execPath, agent].some(isBehindClosedDoor);
  const setpriv = isClosed ? findTool('setpriv') : null;
  if (isClosed && !setpriv) {
    return no(
      'Processes need setpriv: install the package "util-linux", or keep the data in an open directory.',
    );
  }
  const complaint = await probe(bwrap, setpriv);
  if (complaint !== null) return no(complaint);
  const found = {
    bwrap,
    prlimit: realpathSync(prlimit),
    node: process.execPath,
    agent,
    pty: findPtyBinary(),
  };
  return { available: true, tools: { ...found, setpriv } };
}

const no = (reason: string): JailSupport => ({ available: false, reason });

/** Whether namespaces can be made here by the users that sandboxes run as: a container may forbid it. */
function probe(bwrap: string, setpriv: string | null): Promise<string | null> {
  const inner = [
    ...['--unshare-user', '--unshare-pid', '--unshare-net', '--disable-userns', '--cap-drop', 'ALL'],
    ...['--ro-bind', '/', '/', '--proc', '/proc', '/bin/true'],
  ];
  const drop = setpriv ? [setpriv, `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', bwrap] : [];
  const args = setpriv ? ['--dev-bind', '/', '/', ...drop, ...inner] : inner;
  const ids = isRoot() && !setpriv ? { uid: NOBODY, gid: NOBODY } : {};
  const options = { cwd: '/', env: exactEnv({}), timeout: PROBE_DEADLINE_MS, ...ids };
  return new Promise((resolve) => {
    execFile(bwrap, args, options, (error, _, stderr) => resolve(error ? explain(stderr, error) : null));
  });
}

function explain(stderr: string, error: Error): string {
  const said = stderr.trim().split('\n')[0]?.slice(0, 200) || error.message;
  return `Processes need user namespaces, which this system forbids (${said}): allow them with kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0, in a container with --security-opt seccomp=unconfined.`;
}

const isRoot = () => process.getuid?.() === 0;

/** Whether some directory on the way to a path may not be entered by other users. */
function isBehindClosedDoor(path: string): boolean {
  const real = realpathSync(path);
  for (let at = real; ; at = dirname(at)) {
    const { mode } = statSync(at);
    if ((mode & 0o001) === 0 && statSync(at).isDirectory()) return true;
    if (at === dirname(at)) return false;
  }
}
