// @ts-check
/** Prepares a checkout: checks Node.js, installs the locked packages, builds. Must not import packages. */
import fs from 'node:fs';
import { buildOutputs, bundlePrograms } from './build.mjs';
import { installedCommand, runQuietly, runVisibly } from './commands.mjs';
import { hasNpmInstalled } from './installed.mjs';
import { isAlive, withLock } from './lock.mjs';
import { inRoot, root } from './paths.mjs';
import { hashBuildInputs, hashInstallInputs, readStamp, removeStamp, writeStamp } from './stamps.mjs';
import { CommandError, complain, yellow } from './terminal.mjs';

const installStamp = inRoot('node_modules', '.sandkeeper-stamp');
const buildStamp = inRoot('.next', 'sandkeeper-stamp');
const lockFile = inRoot('build', '.lock');

/**
 * @param {string} range the `engines.node` of package.json, of the form `>=20.9`
 * @param {string} version
 * @returns {string | undefined} the problem
 */
export function checkNodeVersion(range, version) {
  const [needMajor = 0, needMinor = 0] = range.replace('>=', '').split('.').map(Number);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return undefined;
  return `Sandkeeper needs Node ${needMajor}.${needMinor} or newer, and this is Node ${version}. Install a newer one and run the command again.`;
}

/** @throws {CommandError} if this Node.js is too old */
export function requireNode() {
  const { engines } = JSON.parse(fs.readFileSync(inRoot('package.json'), 'utf8'));
  const problem = checkNodeVersion(engines.node, process.versions.node);
  if (problem) throw new CommandError(problem);
}

export function isInstalled() {
  const hash = hashInstallInputs(root);
  if (readStamp(installStamp) === hash) return true;
  const stampedAt = fs.existsSync(installStamp) ? fs.statSync(installStamp).mtimeMs : 0;
  if (!hasNpmInstalled(root, stampedAt)) return false;
  writeStamp(installStamp, hash);
  return true;
}

export function isBuilt() {
  return (
    buildOutputs.every((file) => fs.existsSync(inRoot(file))) &&
    readStamp(buildStamp) === hashBuildInputs(root)
  );
}

/**
 * @template T
 * @param {(lock: { keepFor: (child: { pid?: number }) => void }) => Promise<T>} work
 */
const alone = (work) =>
  withLock(lockFile, work, (owner) =>
    complain(
      `Waiting for another command (process ${Math.abs(owner.pids[0] ?? 0)}) that is installing or building here …`,
    ),
  );

/** Installs the locked packages if they are missing or outdated. */
export async function ensureInstalled() {
  if (isInstalled()) return;
  await alone(async (lock) => {
    if (isInstalled()) return;
    const hash = hashInstallInputs(root);
    removeStamp(installStamp);
    // The build needs development packages, also with NODE_ENV=production.
    const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
    await runQuietly('Installing packages', 'npm', args, { onStart: lock.keepFor });
    writeStamp(installStamp, hash);
  });
}

const inUsePrefix = '.in-use-';

/** Marks the build as served by this process until it ends, so that a rebuild can warn about it. */
export function markBuildInUse() {
  const file = inRoot('build', `${inUsePrefix}${process.pid}`);
  fs.writeFileSync(file, '');
  process.on('exit', () => fs.rmSync(file, { force: true }));
}

function warnAboutBuildInUse() {
  if (!fs.existsSync(inRoot('build'))) return;
  for (const file of fs.readdirSync(inRoot('build')).filter((name) => name.startsWith(inUsePrefix))) {
    const pid = Number(file.slice(inUsePrefix.length));
    if (isAlive(pid)) {
      complain(
        yellow(
          `A running Sandkeeper (process ${pid}) uses the build that is being replaced. Restart it afterwards.`,
        ),
      );
    } else fs.rmSync(inRoot('build', file), { force: true });
  }
}

/** @param {boolean} isQuiet @param {{ keepFor: (child: { pid?: number }) => void }} lock */
async function build(isQuiet, lock) {
  const hash = hashBuildInputs(root);
  removeStamp(buildStamp);
  warnAboutBuildInUse();
  const options = { env: { NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' }, onStart: lock.keepFor };
  if (isQuiet) await runQuietly('Building', installedCommand('next'), ['build'], options);
  else if (!(await runVisibly(installedCommand('next'), ['build'], options)))
    throw new CommandError('The build failed.');
  await bundlePrograms();
  writeStamp(buildStamp, hash);
}

/** Builds everything if the build is missing or outdated. */
export async function ensureBuilt() {
  if (isBuilt()) return;
  await alone(async (lock) => {
    if (!isBuilt()) await build(true, lock);
  });
}

/** Builds everything in any case and shows the output. */
export async function rebuild() {
  await alone((lock) => build(false, lock));
}

/**
 * Bundles the programs besides the Next.js build. Takes a fraction of a second and is always done.
 * @param {{ engineOnly?: boolean }} [options]
 */
export async function ensureBundled(options) {
  await alone(() => bundlePrograms(options));
}
