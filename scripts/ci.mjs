// What CI runs: `npm test`, with a PostgreSQL beside it on which everything that has to do with a database runs once more.
import { handleStopSignals, stopAndExit } from './lib/children.mjs';
import { runVisibly } from './lib/commands.mjs';
import { providePostgres } from './lib/postgres.mjs';
import { dim, runMain, say, yellow } from './lib/terminal.mjs';

handleStopSignals({ exitCode: 130 });

await runMain(async () => {
  const url = process.env.TEST_DATABASE_URL || (await providePostgres());
  say(
    url
      ? dim(`PostgreSQL: ${process.env.TEST_DATABASE_URL ? 'the one that TEST_DATABASE_URL names' : url}`)
      : yellow(
          'There is no PostgreSQL, so what runs on one is not tested: install the package `postgresql`, or set TEST_DATABASE_URL.',
        ),
  );
  const ok = await runVisibly('npm', ['test', '--', ...process.argv.slice(2)], {
    // On a machine shared with strangers; at one's desk a test must hold at the first try.
    env: { TEST_RETRIES: '1', ...(url && { TEST_DATABASE_URL: url }) },
  });
  await stopAndExit(ok ? 0 : 1);
});
