// @ts-check
/** Hashes of the inputs of an installation or build, compared with the hash of the last success. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** The fields of package.json that determine what is installed. */
const dependencyFields = [
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
  'overrides',
  'workspaces',
];

/**
 * @param {string} root
 * @param {{ platform: string, arch: string, node: string }} [machine]
 */
export function hashInstallInputs(
  root,
  machine = { platform: process.platform, arch: process.arch, node: process.versions.node },
) {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  return createHash('sha256')
    .update(JSON.stringify([machine.platform, machine.arch, machine.node.split('.')[0]]))
    .update(JSON.stringify(dependencyFields.map((field) => manifest[field] ?? null)))
    .update(fs.readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
}

/** Folders that the build reads. */
const sourceFolders = ['app', 'components', 'lib', 'public'];
/** Files at the root that the build does not read, unlike next.config.mjs, proxy.ts, tsconfig.json and so on. */
const foreignRootFiles =
  /^(server\.mjs|package\.json|playwright\.config\..*|vitest\.config\..*|knip\.json|biome\.json|next-env\.d\.ts)$/;
const rootSource = /\.(ts|tsx|js|mjs|cjs|json|css)$/;
const testFile = /\.test\.tsx?$/;

/**
 * Every file that the build reads, as sorted paths relative to the root.
 * @param {string} root
 * @returns {string[]}
 */
export function listBuildInputs(root) {
  const files = fs
    .readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isFile() && rootSource.test(entry.name) && !foreignRootFiles.test(entry.name))
    .map((entry) => entry.name);
  /** @param {string} folder */
  const walk = (folder) => {
    for (const entry of fs.readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const relative = path.join(folder, entry.name);
      if (entry.isDirectory()) walk(relative);
      else if (!testFile.test(entry.name)) files.push(relative);
    }
  };
  for (const folder of sourceFolders) if (fs.existsSync(path.join(root, folder))) walk(folder);
  if (fs.existsSync(path.join(root, 'scripts/lib/build.mjs')))
    files.push(path.join('scripts', 'lib', 'build.mjs'));
  return files.sort();
}

/**
 * Includes the path of the root: a build contains absolute paths and does not work after a move.
 * @param {string} root
 */
export function hashBuildInputs(root) {
  const hash = createHash('sha256').update(root);
  for (const file of listBuildInputs(root)) {
    const content = fs.readFileSync(path.join(root, file));
    hash.update(`\0${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * @param {string} file
 * @returns {string | undefined}
 */
export function readStamp(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : undefined;
}

/** @param {string} file @param {string} hash */
export function writeStamp(file, hash) {
  fs.writeFileSync(file, `${hash}\n`);
}

/** @param {string} file */
export function removeStamp(file) {
  fs.rmSync(file, { force: true });
}
