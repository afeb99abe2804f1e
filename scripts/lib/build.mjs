// @ts-check
import fs from 'node:fs/promises';
import path from 'node:path';
import { inRoot, root } from './paths.mjs';
import { CommandError } from './terminal.mjs';

/** The programs besides the Next.js build. Each is bundled into one file. */
const programs = [
  { entry: 'lib/engine/main.ts', file: 'build/engine.mjs', isEngine: true },
  { entry: 'lib/engine/jail/agent.ts', file: 'build/agent.mjs', isEngine: true, isOptional: true },
  { entry: 'lib/front.ts', file: 'build/front.mjs', isEngine: false },
  { entry: 'lib/access/audit-command.ts', file: 'build/audit.mjs', isEngine: false },
  { entry: 'lib/access/sign-in-link.ts', file: 'build/sign-in-link.mjs', isEngine: false },
];

/** A build without these is incomplete. */
export const buildOutputs = [
  '.next/BUILD_ID',
  'build/engine.mjs',
  'build/front.mjs',
  'build/sign-in-link.mjs',
  'build/audit.mjs',
];

/**
 * Bundles our own code. Packages stay in node_modules.
 * @param {string} entry relative to the root
 * @param {string} file relative to the root
 */
export async function bundle(entry, file) {
  const esbuild = await import('esbuild');
  const result = await esbuild
    .build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      conditions: ['react-server'],
      alias: { '@': root, 'server-only': inRoot('node_modules/server-only/empty.js') },
      sourcemap: true,
      write: false,
      logLevel: 'silent',
    })
    .catch(async (failure) => {
      const messages = await esbuild.formatMessages(failure.errors ?? [], { kind: 'error' });
      throw new CommandError(`Could not bundle ${entry}:\n${messages.join('\n') || failure.message}`);
    });
  // Write and rename: a program that starts now reads the old file or the new one, never a part.
  for (const output of result.outputFiles) {
    await fs.mkdir(path.dirname(output.path), { recursive: true });
    await fs.writeFile(`${output.path}.${process.pid}`, output.contents);
    await fs.rename(`${output.path}.${process.pid}`, output.path);
  }
}

/** @param {{ engineOnly?: boolean }} [options] */
export async function bundlePrograms({ engineOnly = false } = {}) {
  for (const { entry, file, isEngine, isOptional } of programs) {
    if (engineOnly && !isEngine) continue;
    if (isOptional && !(await exists(inRoot(entry)))) continue;
    await bundle(entry, file);
  }
}

/** @param {string} file */
const exists = (file) =>
  fs.access(file).then(
    () => true,
    () => false,
  );
