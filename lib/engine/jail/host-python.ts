import { execFile } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { exactEnv } from './environment';
import { findTool, SEARCH_PATH } from './search-path';
import { ENGINE_MOUNT, sharedDirectories } from './skeleton';

const DEADLINE_MS = 10_000;
const HEAD_BYTES = 4_096;

/** A Python of this machine that lies outside the directories that sandboxes see. */
export type HostPython = {
  /** The real program, not a link or a shim. */
  readonly program: string;
  readonly version: string;
  /** Directories below its prefix that it needs, by name: `lib`, on some systems also `lib64`. */
  readonly libraries: Readonly<Record<string, string>>;
  /**
   * The program that loads it, where it looks for its own library in a fixed place that is missing inside. Null where it does
   * not.
   */
  readonly loader: string | null;
};

/** Python finds its files from the place of its program, which must be no link: a virtual environment notes its directory. */
const PREFIX = ENGINE_MOUNT;
const PROGRAM = `${PREFIX}/bin/python3`;
/** Behind a launcher. */
const LOADED_PROGRAM = `${PREFIX}/loaded-python3`;

/** The command that starts Python inside. `name`: what it takes for its own path. */
function loadCommand({ loader }: HostPython, name: string): string[] {
  return loader ? [loader, '--argv0', name, '--library-path', `${PREFIX}/lib`, LOADED_PROGRAM] : [PROGRAM];
}

/** A command that succeeds if Python works inside: with its own library, which may be another than that of the system. */
export function tryCommand(python: HostPython): string[] {
  const trial = 'import json, socket, subprocess, sys; sys.exit(sys.argv[1:] != [sys.prefix, sys.version])';
  return [...loadCommand(python, PROGRAM), '-c', trial, PREFIX, python.version];
}

/** Bubblewrap's arguments that show it. `launcher`: a descriptor with `launcherOf`. Null: none is needed for a trial. */
export function pythonArguments(python: HostPython, launcher: number | null): string[] {
  const { program, libraries, loader } = python;
  return [
    // Bubblewrap closes to others what it makes by itself.
    ...['--perms', '0755', '--dir', `${PREFIX}/bin`],
    ...['--ro-bind', program, loader ? LOADED_PROGRAM : PROGRAM],
    ...Object.entries(libraries).flatMap(([name, path]) => ['--ro-bind', path, `${PREFIX}/${name}`]),
    ...(loader && launcher !== null ? ['--perms', '0755', '--file', String(launcher), PROGRAM] : []),
  ];
}

/** A script in place of the program. It keeps its own name, by which Python finds a virtual environment. */
export function launcherOf(python: HostPython): string {
  return `#!/bin/sh\nexec ${loadCommand(python, '"$0"').join(' ')} "$@"\n`;
}

const QUESTION = `
import json, os, sys
program = os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable)
print(json.dumps({'program': program, 'prefix': sys.base_prefix, 'version': sys.version, 'library': sys.platlibdir}))
`;

/**
 * Finds the Python to show to sandboxes: it stands on the search path of the engine, and not in a directory that sandboxes
 * see anyway. Empty if there is none, or if it does not say where its files are.
 * @param given absolute path of a python3 to take whatever else there is
 * @returns it without and with a loader: the first that works inside is the right one
 */
export async function findHostPython(given: string | undefined): Promise<readonly HostPython[]> {
  const python = given ?? (findVisible('python3') ? null : findTool('python3'));
  if (python === null) return [];
  try {
    const options = { cwd: '/', env: exactEnv({ PATH: process.env.PATH ?? '' }), timeout: DEADLINE_MS };
    // Without the settings and packages of the person who starts the engine.
    const { stdout } = await promisify(execFile)(python, ['-I', '-S', '-c', QUESTION], options);
    const { program, prefix, version, library } = JSON.parse(stdout) as Record<string, unknown>;
    if (![program, prefix].every((path) => typeof path === 'string' && isAbsolute(path))) return [];
    const names = [...new Set(['lib', String(library)])].filter((name) => /^lib[a-z0-9]*$/.test(name));
    const found = names.map((name) => [name, join(String(prefix), name)] as const);
    const libraries = Object.fromEntries(found.filter(([, path]) => existsSync(path)));
    const plain = { program: String(program), version: String(version), libraries, loader: null };
    const loader = loaderOf(plain.program);
    return loader === null ? [plain] : [plain, { ...plain, loader }];
  } catch {
    return [];
  }
}

/** The loader that a program names in its head. */
function loaderOf(program: string): string | null {
  const head = readHead(program).toString('latin1');
  return /(\/lib[\w/.-]*\/ld[\w.-]*\.so[\w.]*)\0/.exec(head)?.[1] ?? null;
}

/**
 * The program for the command `python`, which the images of the services have and Debian has not. Null if sandboxes find one
 * without help, or if there is no python3.
 * @param shown the Python that sandboxes are shown
 */
export function pythonLinkFor(shown: HostPython | null): string | null {
  if (findVisible('python')) return null;
  return shown ? PROGRAM : findVisible('python3');
}

/** The path at which sandboxes find a program of this machine without help. */
function findVisible(name: string): string | null {
  const shared = sharedDirectories();
  const paths = SEARCH_PATH.split(':').map((directory) => join(directory, name));
  const isVisible = (path: string) =>
    existsSync(path) && shared.some((visible) => realpathSync(path).startsWith(`${visible}/`));
  return paths.find(isVisible) ?? null;
}

function readHead(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(file);
  }
}
