import { formatSpan } from '@/components/ui/duration';
import type { ActParams } from '@/lib/operations/schema';
import type { SandboxAct } from '@/lib/sandbox/can';
import { visibleText } from '@/lib/visible-text';

const WORDS = {
  kill: ({ graceMs, exportPath }) => {
    const options = [
      ...(graceMs === undefined ? [] : [`gracefully, ${formatSpan(graceMs)}`]),
      ...(exportPath === undefined ? [] : [`after archiving ${exportPath}`]),
    ];
    return options.length === 0 ? null : options.join(', ');
  },
  pause: () => null,
  resume: ({ timeoutMs, autoPause }) => {
    if (timeoutMs === undefined) return null;
    const end = autoPause === undefined ? '' : autoPause ? ', then pause' : ', then kill';
    return `for ${formatSpan(timeoutMs)}${end}`;
  },
  run: ({ command = '' }) => shortened(command),
  setTimeout: ({ timeoutMs, addMs, ends }) => {
    if (addMs !== undefined) return `${formatSpan(addMs)} longer`;
    if (timeoutMs === undefined) return null;
    return `to ${formatSpan(timeoutMs)}${ends === undefined ? '' : `, which ends ${ends} of them`}`;
  },
} satisfies Record<SandboxAct, (params: ActParams) => string | null>;

/** The options of an action, to follow its name: `gracefully, 10 s`, `for 15 min, then pause`. */
export function operationOptions(act: SandboxAct, params: ActParams): string | null {
  return WORDS[act](params);
}

const MAX_COMMAND_CHARS = 120;

/** Untrusted text, on one line. */
function shortened(command: string): string {
  const line = visibleText(command.replace(/\s+/g, ' ').trim());
  return line.length > MAX_COMMAND_CHARS ? `${line.slice(0, MAX_COMMAND_CHARS)}…` : line;
}
