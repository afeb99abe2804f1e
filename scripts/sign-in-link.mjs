// `npm run sign-in-link`: prints another sign-in link, beside a running server or before its start.
import { runProgram } from './lib/run-program.mjs';

await runProgram('build/sign-in-link.mjs');
