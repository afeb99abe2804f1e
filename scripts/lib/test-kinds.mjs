// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from './paths.mjs';

const IMPORT = /^\s*(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*'([^']+)'\s*\)/g;

/** Packages that reach outside the process. */
const OUTSIDE_PACKAGES =
  /^(node:)?(child_process|cluster|dgram|fs|fs\/promises|http|http2|https|inspector|net|tls|worker_threads)$|^(@lydell\/node-pty|@moru-ai\/core|libsql|next|next\/.*|pg|undici|ws)$/;
/** Our modules with state for the whole process. */
const PROCESS_STATE = /^lib\/(config|singleton|server-runtime|test-support\/)/;
/** Of these, what each use in tests leaves as it was. */
const LEAVES_NOTHING =
  /^lib\/test-support\/(fake-service|hostile-answers|postgres|random|remove-tree|runs|strict-daemon)\.ts$/;
/** Calls that affect later tests in the same process. */
const CHANGES_PROCESS =
  /\bvi\.(mock|doMock|stub\w+|resetModules|useFakeTimers|setSystemTime|spyOn\((console|process|globalThis))|\bprocess\.(env|chdir|on|exit\w*)\b|\bglobalThis\b|\bReflect\.set\(/;

/** A module of ours, not a package. */
const MODULE = /\.(tsx?|mjs)$/;
/** A hook of a module runs with the first file that imports it, and with no other of the same process. */
const HOOK = /^(before|after)(All|Each)\(/m;

/** @type {Map<string, { text: string, imports: string[] }>} */
const modules = new Map();

/** @param {string} file from the root */
function readModule(file) {
  const known = modules.get(file);
  if (known) return known;
  const text = fs.readFileSync(inRoot(file), 'utf8');
  const imports = [...text.matchAll(IMPORT), ...text.matchAll(DYNAMIC_IMPORT)].map(([, target = '']) =>
    resolveImport(target, file),
  );
  const module = { text, imports };
  modules.set(file, module);
  return module;
}

/**
 * @param {string} target
 * @param {string} importer
 * @returns {string} the path of one of our modules from the root, the name of anything else
 */
function resolveImport(target, importer) {
  const from = target.startsWith('@/')
    ? target.slice(2)
    : target.startsWith('.')
      ? path.posix.join(path.posix.dirname(importer), target)
      : undefined;
  if (from === undefined) return target;
  return [from, `${from}.ts`, `${from}.tsx`].find((file) => isFile(inRoot(file))) ?? from;
}

/** @param {string} file */
const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/**
 * Whether a test file leaves its process as it found it: neither it nor any module it imports keeps state for the whole
 * process. Only these tests share a process; any other test file gets its own.
 * @param {string} test from the root
 */
export function leavesProcess(test) {
  if (!/^(lib|components)\//.test(test) || CHANGES_PROCESS.test(readModule(test).text)) return false;
  return importsOf(test).every((file) => file === test || !keepsState(file));
}

/**
 * Whether a test file runs logic alone: it leaves its process as it found it, and reaches nothing outside of it.
 * @param {string} test from the root
 */
export function isPure(test) {
  return leavesProcess(test) && importsOf(test).every((file) => !OUTSIDE_PACKAGES.test(file));
}

/** @param {string} file a module of ours, or the name of anything else */
function keepsState(file) {
  if (PROCESS_STATE.test(file)) return !LEAVES_NOTHING.test(file);
  return MODULE.test(file) && HOOK.test(readModule(file).text);
}

/** A test file and all it imports, as `resolveImport` names them. @param {string} test from the root */
function importsOf(test) {
  const seen = new Set([test]);
  for (const file of seen) {
    if (!MODULE.test(file)) continue;
    for (const target of readModule(file).imports) seen.add(target);
  }
  return [...seen];
}

/** Every test file whose path matches, sorted. @param {string[]} folders @returns {string[]} */
export function findTests(folders) {
  return folders
    .flatMap((folder) =>
      fs
        .readdirSync(inRoot(folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.test\.tsx?$/.test(name))
        .map((name) => path.posix.join(folder, name.split(path.sep).join('/'))),
    )
    .sort();
}
