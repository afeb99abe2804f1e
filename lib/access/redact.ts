import { type Grants, mayIn } from '../grants';
import type { Role } from '../roles';
import type { ConnectionName } from '../sandbox-key';

/** The role that sees whole commands. Their arguments can hold passwords and tokens. */
const COMMAND_ROLE: Role = 'operator';

/** Whether the person sees the whole text of commands in these connections. */
export function seesCommands(grants: Grants, scope: ConnectionName | readonly ConnectionName[]): boolean {
  return mayIn(grants, COMMAND_ROLE, scope);
}

/** A name or a path of a program, up to the end of the word. An assignment or a quote is none. */
const PROGRAM = /^\s*([\w./+-]{1,64})(?=[\s;|&<>()]|$)/;

/** What people without `COMMAND_ROLE` see of a command: its program. `…` stands for the rest. */
export function withoutArguments(command: string): string {
  const [whole, program] = PROGRAM.exec(command) ?? [];
  if (whole === undefined || program === undefined) return '…';
  return whole.length === command.trimEnd().length ? program : `${program} …`;
}
