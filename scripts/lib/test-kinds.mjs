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
const PROCESS_STATE = /^lib\/(config|singleton|server-runtime|test-support\/(?!runs))/;
/** Calls that affect later tests in the same process. */
const CHANGES_PROCESS =
  /\bvi\.(mock|doMock|stub\w+|resetModules|useFakeTimers|setSystemTime|spyOn\((console|process|globalThis))|\bprocess\.(env|chdir|on|exit\w*)\b|\bglobalThis\b|\bReflect\.set\(/;

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
 * Whether a test file runs logic alone: neither it nor any module it imports reaches outside the process or keeps state
 * for the whole process. Only these tests share a process; any other test file gets its own.
 * @param {string} test from the root
 */
export function isPure(test) {
  if (!/^(lib|components)\//.test(test) || CHANGES_PROCESS.test(readModule(test).text)) return false;
  const seen = new Set([test]);
  for (const file of seen) {
    if (OUTSIDE_PACKAGES.test(file) || PROCESS_STATE.test(file)) return false;
    if (!/\.tsx?$/.test(file)) continue;
    for (const target of readModule(file).imports) seen.add(target);
  }
  return true;
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
