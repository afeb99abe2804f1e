// `npm test`: everything that must hold, on a fresh clone too. `npm test -- --only unit,e2e` runs some of it, and
// `npm run test:long` (`--long`) runs what takes long: more crashes and items, larger fleets and files, more random cases.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { provideBubblewrap } from './lib/apt.mjs';
import { ensureBuilt, ensureBundled, ensureInstalled, requireNode } from './lib/bootstrap.mjs';
import { handleStopSignals } from './lib/children.mjs';
import { provideChromium } from './lib/chromium.mjs';
import { capture, installedCommand, runToEnd, runVisibly } from './lib/commands.mjs';
import { inRoot } from './lib/paths.mjs';
import { oneCheck, readAudit, runStages } from './lib/stages.mjs';
import { CommandError, dim, red, runMain, say, yellow } from './lib/terminal.mjs';
import { readPlaywrightReport, readVitestReport } from './lib/test-reports.mjs';

const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-test-'));
process.on('exit', () => fs.rmSync(reports, { recursive: true, force: true }));

handleStopSignals({ exitCode: 130 });

/** @param {string} name @param {string[]} args @param {import('./lib/commands.mjs').RunOptions} [options] */
const tool = (name, args, options) => runVisibly(installedCommand(name), args, options);

/** TypeScript 7. The package `typescript` is the last one with the API that dependency-cruiser reads imports with. */
const compiler = inRoot('node_modules/@typescript/native/bin/tsc');

const isLong = process.argv.includes('--long');
// Read by the tests themselves and by playwright.config.ts.
if (isLong) process.env.TEST_LONG = '1';
const hint = isLong
  ? undefined
  : '`npm run test:long` also runs 100 crashes, 10,000 sandboxes, floods of output and large files.';

/** @type {string | Error | undefined} */
let browser;

/**
 * What the system must have, sought or installed before the long stages so that nobody waits minutes to hear it is missing.
 * @param {string[]} names of the stages to come
 */
async function provideTools(names) {
  if (names.some((name) => ['unit', 'components', 'e2e'].includes(name))) {
    if (!(await provideBubblewrap())) {
      say(
        yellow(
          'bubblewrap is not installed, so the tests that run processes in a sandbox are skipped: install the package `bubblewrap` (Linux only).',
        ),
      );
    }
  }
  if (names.includes('e2e') || names.includes('components')) {
    browser = await provideChromium().catch((error) => error);
    say(browser instanceof Error ? red(browser.message) : dim(`Browser: ${browser}`));
  }
}

/** @type {Promise<void> | undefined} */
let build;
/** Builds once for all stages. The programs must not be bundled again while a stage runs them. */
const provideBuild = () => {
  build ??= ensureBuilt().then(() => ensureBundled());
  return build;
};

/** @param {string[]} projects of vitest.config.ts @param {import('./lib/commands.mjs').RunOptions} options */
async function runVitest(projects, options) {
  const report = path.join(reports, `${projects[0]}.json`);
  const errors = path.join(reports, `${projects[0]}-errors.json`);
  const args = [
    'run',
    ...projects.map((name) => `--project=${name}`),
    '--allowOnly=false',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    `--reporter=${inRoot('scripts/lib/vitest-errors.mjs')}`,
  ];
  const env = { ...options.env, TEST_ERRORS_FILE: errors };
  return readVitestReport(
    report,
    await runToEnd(installedCommand('vitest'), args, { ...options, env }),
    errors,
  );
}

/** @type {import('./lib/stages.mjs').Stage} */
const types = {
  name: 'types',
  // Next.js writes the types of the routes that `tsc` then needs.
  run: async (label) =>
    oneCheck(
      (await tool('next', ['typegen'], { label })) &&
        (await runVisibly(process.execPath, [compiler, '--noEmit'], { label })),
    ),
};

/** @param {string} name @param {string} command @param {string[]} args @returns {import('./lib/stages.mjs').Stage} */
const check = (name, command, args) => ({
  name,
  run: async (label) => oneCheck(await tool(command, args, { label })),
});

/** Everything that tests, by the round and the lane in which it runs. The tests themselves fill two cores, one round at a time.
 * @type {import('./lib/stages.mjs').Round[]}
 */
const rounds = [
  [
    [types, check('lint', 'biome', ['check', '.'])],
    [
      check('layers', 'depcruise', [
        'app',
        'components',
        'lib',
        'instrumentation.ts',
        'instrumentation-client.ts',
      ]),
      check('unused', 'knip', []),
    ],
    [
      {
        name: 'audit',
        run: async () => {
          const args = ['audit', '--omit=dev', '--audit-level=high', '--json'];
          return readAudit((await capture('npm', args, { timeoutMs: 60_000 })).stdout);
        },
      },
    ],
  ],
  [
    [
      {
        name: 'build',
        run: async () => {
          await provideBuild();
          return oneCheck(true);
        },
      },
    ],
  ],
  [
    [
      {
        name: 'unit',
        run: async (label) => {
          await provideBuild();
          return runVitest(['unit', 'shared', 'integration', 'http'], { label });
        },
      },
    ],
  ],
  [
    [
      {
        name: 'components',
        run: async (label) => {
          await provideBuild();
          if (browser instanceof Error || !browser) throw browser;
          return runVitest(['browser'], { label, env: { CHROMIUM_PATH: browser } });
        },
      },
    ],
  ],
  [
    [
      {
        name: 'e2e',
        run: async (label) => {
          await provideBuild();
          if (browser instanceof Error || !browser) throw browser;
          const report = path.join(reports, 'e2e.json');
          const env = { CHROMIUM_PATH: browser, PLAYWRIGHT_JSON_OUTPUT_FILE: report };
          const args = ['test', '--forbid-only', '--reporter=line,json', ...(isLong ? ['--grep=@long'] : [])];
          return readPlaywrightReport(
            report,
            await runToEnd(installedCommand('playwright'), args, { label, env }),
          );
        },
      },
    ],
  ],
];

/** The stages that `--long` changes. */
const LONG = ['build', 'unit', 'e2e'];

/** @param {string[]} args @returns {string[]} the names of the stages to run */
function selectStages(args) {
  const names = rounds.flat(2).map(({ name }) => name);
  const [option, ...rest] = args.flatMap((arg) => arg.split(/[=,]/)).filter(Boolean);
  if (option === undefined) return isLong ? LONG : names;
  const unknown = rest.filter((name) => !names.includes(name));
  if (option !== '--only' || rest.length === 0 || unknown.length > 0) {
    throw new CommandError(`Usage: npm test -- --only NAME[,NAME…], with names from: ${names.join(', ')}.`);
  }
  return rest;
}

/** @param {string[]} names */
const roundsOf = (names) =>
  rounds
    .map((lanes) =>
      lanes.map((lane) => lane.filter(({ name }) => names.includes(name))).filter((lane) => lane.length > 0),
    )
    .filter((lanes) => lanes.length > 0);

await runMain(async () => {
  const selected = selectStages(process.argv.slice(2).filter((arg) => arg !== '--long'));
  try {
    requireNode();
    await ensureInstalled();
  } catch (error) {
    await runStages([[[{ name: 'install', run: () => Promise.reject(error) }]]]);
    process.exit(1);
  }
  await provideTools(selected);
  process.exitCode = (await runStages(roundsOf(selected), hint)) ? 0 : 1;
});
