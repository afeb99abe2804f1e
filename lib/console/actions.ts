'use server';

import { z } from 'zod';
import { guardWrite } from '../access/guard';
import { parseInput } from '../access/input';
import { type Result, resultOf } from '../result';
import { ConsoleId, ConsoleName, ConsoleRequest } from './schema';
import { consoleSessions } from './sessions';

const Closing = z.strictObject({ id: ConsoleId, evenIfBusy: z.boolean() });
const Naming = z.strictObject({ id: ConsoleId, name: ConsoleName });

/** Starts a shell in a running sandbox. Returns the console's id. Role: operator. */
export async function openConsole(input: z.input<typeof ConsoleRequest>): Promise<Result<string>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    return consoleSessions().open(session, parseInput(ConsoleRequest, input));
  });
}

/** Ends a console. If a program runs in it, returns its name and does nothing unless `evenIfBusy`. Role: operator. */
export async function closeConsole(input: z.input<typeof Closing>): Promise<Result<string | null>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    const { id, evenIfBusy } = parseInput(Closing, input);
    const running = evenIfBusy ? null : await consoleSessions().findRunning(session, id);
    if (running === null) await consoleSessions().close(session, id);
    return running;
  });
}

/** Names a console. An empty name removes its name. Role: operator. */
export async function renameConsole(input: z.input<typeof Naming>): Promise<Result<null>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    const { id, name } = parseInput(Naming, input);
    consoleSessions().rename(session, id, name);
    return null;
  });
}
