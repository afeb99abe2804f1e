import 'server-only';
import { database } from '../db/client';
import { verifyChain } from './audit-chain';

/**
 * `npm run audit -- verify`: computes the chain of the audit log again and prints the result. Exits with 1 if an entry was
 * changed, removed or inserted, and with 2 for another command.
 */
async function run([command]: readonly string[]): Promise<number> {
  if (command !== 'verify') {
    console.error('Usage: npm run audit -- verify');
    return 2;
  }
  const { checked, older, lastHash, problem } = await verifyChain();
  await (await database()).destroy();
  if (older > 0) console.log(`${older} entries of earlier versions have no hash and were not checked.`);
  if (problem === null) {
    const last = checked === 0 ? '' : ` The last hash is ${lastHash}.`;
    console.log(`The audit log is unchanged: ${checked} entries checked.${last}`);
    return 0;
  }
  console.error(
    `The audit log was changed outside Sandkeeper. ${problem} Entries unchanged before it: ${checked}.`,
  );
  return 1;
}

process.exitCode = await run(process.argv.slice(2));
