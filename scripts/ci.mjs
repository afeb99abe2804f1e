// What CI runs: `npm test` with a PostgreSQL server, on which the database tests run a second time.
import { handleStopSignals, stopAndExit } from './lib/children.mjs';
import { runVisibly } from './lib/commands.mjs';
import { providePostgres } from './lib/postgres.mjs';
import { dim, runMain, say, yellow } from './lib/terminal.mjs';

handleStopSignals({ exitCode: 130 });

await runMain(async () => {
  const url = process.env.TEST_DATABASE_URL || (await providePostgres());
  say(
    url
      ? dim(`PostgreSQL: ${process.env.TEST_DATABASE_URL ? 'from TEST_DATABASE_URL' : url}`)
      : yellow(
          'PostgreSQL is not installed, so the tests on it are skipped. Install the package `postgresql` or set TEST_DATABASE_URL.',
        ),
  );
  const ok = await runVisibly('npm', ['test', '--', ...process.argv.slice(2)], {
    // CI machines are shared and slow at times. Locally a test must pass the first time.
    env: { TEST_RETRIES: '1', ...(url && { TEST_DATABASE_URL: url }) },
  });
  await stopAndExit(ok ? 0 : 1);
});
