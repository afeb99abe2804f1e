'use server';

import { z } from 'zod';
import { guardAction } from '../access/guard';
import { onSandbox } from '../grants';
import { type Result, resultOf } from '../result';
import { ConsoleId, ConsoleName, ConsoleRequest } from './schema';
import { consoleSessions } from './sessions';

const Closing = z.strictObject({ id: ConsoleId, evenIfBusy: z.boolean() });
const Naming = z.strictObject({ id: ConsoleId, name: ConsoleName });

const onConsole = ({ id }: { id: string }) => consoleSessions().connectionsOf(id);

/** Starts a shell in a running sandbox. Returns the console's id. Role: operator. */
export async function openConsole(input: z.input<typeof ConsoleRequest>): Promise<Result<string>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('operator', ConsoleRequest, input, onSandbox);
    return consoleSessions().open(session, request);
  });
}

/** Ends a console. If a program runs in it, returns its name and does nothing unless `evenIfBusy`. Role: operator. */
export async function closeConsole(input: z.input<typeof Closing>): Promise<Result<string | null>> {
  return resultOf(async () => {
    const [session, { id, evenIfBusy }] = await guardAction('operator', Closing, input, onConsole);
    const running = evenIfBusy ? null : await consoleSessions().findRunning(session, id);
    if (running === null) await consoleSessions().close(session, id);
    return running;
  });
}

/** Names a console. An empty name removes its name. Role: operator. */
export async function renameConsole(input: z.input<typeof Naming>): Promise<Result<null>> {
  return resultOf(async () => {
    const [session, { id, name }] = await guardAction('operator', Naming, input, onConsole);
    consoleSessions().rename(session, id, name);
    return null;
  });
}
