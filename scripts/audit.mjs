// `npm run audit -- verify`: checks that nobody has changed the audit log, also beside a running server.
import { runProgram } from './lib/run-program.mjs';

await runProgram('build/audit.mjs', process.argv.slice(2));
