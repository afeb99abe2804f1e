import { execFile } from 'node:child_process';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeAgentLoader } from './agent-loader';
import { findPtyBinary, type JailTools, stagePython } from './bubblewrap';
import { exactEnv } from './environment';
import { findHostPython, pythonArguments, pythonLinkFor, tryCommand } from './host-python';
import { findTool } from './search-path';
import { seccompProgram } from './seccomp';
import { readHostText, sharedDirectories, systemLinks } from './skeleton';

/** The tools that run processes, or a message that says what to install or change. */
export type JailSupport =
  | { readonly available: true; readonly tools: JailTools }
  | { readonly available: false; readonly reason: string };

const PROBE_DEADLINE_MS = 10_000;
const NOBODY = 65_534;

/** Path of the bundled agent: beside the bundled engine, or in the build directory when running from source. */
export function findAgent(): string | null {
  const here = dirname(fileURLToPath(import.meta.url));
  const places = [join(here, 'agent.mjs'), join(here, '../../../build/agent.mjs')];
  return places.find((path) => existsSync(path)) ?? null;
}

/**
 * Checks whether this machine can run processes in sandboxes.
 * @param guestsDir absolute path of the directory with all sandboxes
 * @param agent absolute path of the bundled agent
 * @param loaderDir where the agent's loader is made; null for none: sandboxes may then trace their agent
 * @param python absolute path of a python3 to show to sandboxes. Default: that of the machine, if they do not see it anyway
 */
export async function findSupport(
  guestsDir: string,
  agent: string | null,
  loaderDir: string | null,
  python?: string,
): Promise<JailSupport> {
  if (process.platform !== 'linux') {
    return no('Processes need Linux. On this system, the engine serves everything else.');
  }
  const bwrap = findTool('bwrap');
  if (!bwrap) {
    return no('Processes need bubblewrap. Install the package "bubblewrap" and start the engine again.');
  }
  const prlimit = findTool('prlimit');
  if (!prlimit || !findTool('mkfifo')) {
    return no('Processes need prlimit and mkfifo. Install the packages "util-linux" and "coreutils".');
  }
  if (!agent || !existsSync(agent))
    return no('Processes need the file build/agent.mjs. Run "npm run build".');
  const needsStage = isRoot() && [guestsDir, process.execPath, agent].some(isInaccessibleToOthers);
  const setpriv = needsStage ? findTool('setpriv') : null;
  if (needsStage && !setpriv) {
    return no(
      'Processes need setpriv. Install the package "util-linux", or use a data directory that all users can enter.',
    );
  }
  if (!hasSeccomp()) return no('Processes need seccomp filters, which this kernel does not offer.');
  const reason = await probe(bwrap, setpriv);
  if (reason !== null) return no(reason);
  const loader = loaderDir === null ? null : await makeAgentLoader(loaderDir, process.execPath);
  const found = {
    bwrap,
    prlimit: realpathSync(prlimit),
    node: process.execPath,
    agent,
    loader,
    pty: findPtyBinary(),
  };
  const shown = await withPython(bwrap, setpriv, python);
  return { available: true, tools: { ...found, ...shown, pythonLink: pythonLinkFor(shown.python) } };
}

/** A sentence for each protection that sandboxes do not have on this machine. `architecture`: a value of `process.arch`. */
export function missingProtections(
  { loader }: Pick<JailTools, 'loader'>,
  architecture: string = process.arch,
): string[] {
  const hasFilter = seccompProgram(architecture) !== null;
  return [
    ...(hasFilter
      ? []
      : [
          `Sandboxes run without the filter of system calls, which exists for x86-64 and arm64 but not for ${architecture}. Run only code that you trust.`,
        ]),
    ...(loader === null
      ? ['Sandboxes can trace their agent, because its loader cannot be made here. See docs/engine.md.']
      : []),
  ];
}

/** The Python for sandboxes, if it works inside, and the program to switch users with if its files need a stage. */
async function withPython(
  bwrap: string,
  setpriv: string | null,
  given: string | undefined,
): Promise<Pick<JailTools, 'python' | 'setpriv'>> {
  for (const python of await findHostPython(given)) {
    const needsStage =
      isRoot() && [python.program, ...Object.values(python.libraries)].some(isInaccessibleToOthers);
    const switchTo = setpriv ?? (needsStage ? findTool('setpriv') : null);
    if (needsStage && !switchTo) continue;
    const staged = switchTo ? stagePython(python) : { python, args: [] };
    const inner = [
      ...['--unshare-user', '--unshare-pid', '--unshare-net', '--cap-drop', 'ALL'],
      ...sharedDirectories().flatMap((path) => ['--ro-bind', path, path]),
      ...systemLinks().flatMap(([name, target]) => ['--symlink', target, `/${name}`]),
      ...['--proc', '/proc', '--dev', '/dev', ...pythonArguments(staged.python, null)],
      ...tryCommand(python),
    ];
    const failure = await tryInside(bwrap, switchTo, inner, staged.args);
    if (failure === null) return { python, setpriv: switchTo };
  }
  return { python: null, setpriv };
}

const no = (reason: string): JailSupport => ({ available: false, reason });

/** Tries to create namespaces as an unprivileged user, which containers may forbid. Returns the reason if that fails. */
function probe(bwrap: string, setpriv: string | null): Promise<string | null> {
  return tryInside(bwrap, setpriv, [
    ...['--unshare-user', '--unshare-pid', '--unshare-net', '--disable-userns', '--cap-drop', 'ALL'],
    ...['--ro-bind', '/', '/', '--proc', '/proc', '/bin/true'],
  ]);
}

/** Runs bubblewrap as an unprivileged user, behind a stage with `staged` if there is a program to switch users with. */
function tryInside(
  bwrap: string,
  setpriv: string | null,
  inner: readonly string[],
  staged: readonly string[] = [],
): Promise<string | null> {
  const drop = setpriv ? [setpriv, `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', bwrap] : [];
  const args = setpriv ? ['--dev-bind', '/', '/', ...staged, ...drop, ...inner] : inner;
  const ids = isRoot() && !setpriv ? { uid: NOBODY, gid: NOBODY } : {};
  const options = { cwd: '/', env: exactEnv({}), timeout: PROBE_DEADLINE_MS, ...ids };
  return new Promise((resolve) => {
    execFile(bwrap, args, options, (error, _, stderr) => resolve(error ? explain(stderr, error) : null));
  });
}

function explain(stderr: string, error: Error): string {
  const detail = stderr.trim().split('\n')[0]?.slice(0, 200) || error.message;
  return `Processes need user namespaces, which this system forbids (${detail}). Allow them with kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0; in a container, use --security-opt seccomp=unconfined.`;
}

const hasSeccomp = () => readHostText('/proc/self/status').includes('Seccomp:');
const isRoot = () => process.getuid?.() === 0;

/** Whether other users may not enter a directory along the path. */
function isInaccessibleToOthers(path: string): boolean {
  const real = realpathSync(path);
  for (let at = real; ; at = dirname(at)) {
    const { mode } = statSync(at);
    if ((mode & 0o001) === 0 && statSync(at).isDirectory()) return true;
    if (at === dirname(at)) return false;
  }
}
