/** Prints another sign-in link. Runs beside a server, with its settings, as `npm run sign-in-link`. */
import 'server-only';
import { config } from '../config';
import { database } from '../db/client';
import { ownUrl } from './origin';
import { readServerNote } from './server-note';
import { CODE_LIFETIME_MS, issueCode, linkWith } from './sign-in-codes';

async function printLink(): Promise<void> {
  const noted = readServerNote();
  const url = config().publicOrigin ?? noted ?? ownUrl(config());
  process.stdout.write(`${linkWith(await issueCode('command'), url)}\n`);
  process.stderr.write(
    `It signs in one browser as the local administrator, once, within ${CODE_LIFETIME_MS / 60_000} minutes.\n`,
  );
  if (noted === null)
    process.stderr.write(
      `No server seems to run with the data directory ${config().dataDir}. Set SANDKEEPER_DATA_DIR to that of the server, or start it.\n`,
    );
  await (await database()).destroy();
}

printLink().catch((error: Error) => {
  process.stderr.write(`No sign-in link could be made: ${error.message}\n`);
  process.exitCode = 1;
});
