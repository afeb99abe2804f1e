// @ts-check
/** Makes a checkout ready to run: the right Node, the locked packages, a fresh build. Uses Node's built-ins alone. */
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
 * @returns {string | undefined} what is wrong
 */
export function checkNodeVersion(range, version) {
  const [needMajor = 0, needMinor = 0] = range.replace('>=', '').split('.').map(Number);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return undefined;
  return `Sandkeeper needs Node ${needMajor}.${needMinor} or newer, and this is Node ${version}. Install a newer one and run the command again.`;
}

/** @throws {CommandError} when this Node is too old */
export function requireNode() {
  const { engines } = JSON.parse(fs.readFileSync(inRoot('package.json'), 'utf8'));
  const problem = checkNodeVersion(engines.node, process.versions.node);
  if (problem) throw new CommandError(problem);
}

function isInstalled() {
  const hash = hashInstallInputs(root);
  if (readStamp(installStamp) === hash) return true;
  const stampedAt = fs.existsSync(installStamp) ? fs.statSync(installStamp).mtimeMs : 0;
  if (!hasNpmInstalled(root, stampedAt)) return false;
  writeStamp(installStamp, hash);
  return true;
}

function isBuilt() {
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
      `Another command (process ${Math.abs(owner.pids[0] ?? 0)}) is installing or building here; waiting for it …`,
    ),
  );

/** Installs the locked packages when they are missing or older than the lock. */
export async function ensureInstalled() {
  if (isInstalled()) return;
  await alone(async (lock) => {
    if (isInstalled()) return;
    const hash = hashInstallInputs(root);
    removeStamp(installStamp);
    // Development packages build the app, so they are wanted even where NODE_ENV says production.
    const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
    await runQuietly('Installing packages', 'npm', args, { onStart: lock.keepFor });
    writeStamp(installStamp, hash);
  });
}

const inUsePrefix = '.in-use-';

/** Notes that this process serves the build until it ends, so that whoever replaces the build can say so. */
export function markBuildInUse() {
  const file = inRoot('build', `${inUsePrefix}${process.pid}`);
  fs.writeFileSync(file, '');
  process.on('exit', () => fs.rmSync(file, { force: true }));
}

function warnWhoeverUsesTheBuild() {
  if (!fs.existsSync(inRoot('build'))) return;
  for (const file of fs.readdirSync(inRoot('build')).filter((name) => name.startsWith(inUsePrefix))) {
    const pid = Number(file.slice(inUsePrefix.length));
    if (isAlive(pid)) {
      complain(
        yellow(
          `A running Sandkeeper (process ${pid}) serves the build that is replaced now: restart it afterwards.`,
        ),
      );
    } else fs.rmSync(inRoot('build', file), { force: true });
  }
}

/** @param {boolean} isQuiet @param {{ keepFor: (child: { pid?: number }) => void }} lock */
async function build(isQuiet, lock) {
  const hash = hashBuildInputs(root);
  removeStamp(buildStamp);
  warnWhoeverUsesTheBuild();
  const options = { env: { NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' }, onStart: lock.keepFor };
  if (isQuiet) await runQuietly('Building', installedCommand('next'), ['build'], options);
  else if (!(await runVisibly(installedCommand('next'), ['build'], options)))
    throw new CommandError('The build failed.');
  await bundlePrograms();
  writeStamp(buildStamp, hash);
}

/** Builds everything when the build is missing or older than its sources. */
export async function ensureBuilt() {
  if (isBuilt()) return;
  await alone(async (lock) => {
    if (!isBuilt()) await build(true, lock);
  });
}

/** Builds everything whether it is due or not, showing what the build prints. */
export async function rebuild() {
  await alone((lock) => build(false, lock));
}

/**
 * Bundles the programs beside Next; takes a fraction of a second, so it is done each time.
 * @param {{ engineOnly?: boolean }} [options]
 */
export async function ensureBundled(options) {
  await alone(() => bundlePrograms(options));
}
