import { formatSpan } from '@/components/ui/duration';
import type { ActParams } from '@/lib/operations/schema';
import type { SandboxAct } from '@/lib/sandbox/can';
import { visibleText } from '@/lib/sandbox/visible-name';

const WORDS = {
  kill: ({ graceMs, exportPath }) => {
    const ways = [
      ...(graceMs === undefined ? [] : [`gracefully, ${formatSpan(graceMs)}`]),
      ...(exportPath === undefined ? [] : [`after saving ${exportPath}`]),
    ];
    return ways.length === 0 ? null : ways.join(', ');
  },
  pause: () => null,
  resume: ({ timeoutMs, autoPause }) => {
    if (timeoutMs === undefined) return null;
    const end = autoPause === undefined ? '' : autoPause ? ', then pause' : ', then kill';
    return `for ${formatSpan(timeoutMs)}${end}`;
  },
  run: ({ command = '' }) => shortened(command),
  setTimeout: ({ timeoutMs }) => (timeoutMs === undefined ? null : `to ${formatSpan(timeoutMs)}`),
} satisfies Record<SandboxAct, (params: ActParams) => string | null>;

/** How an act was to be done, where that is not said by its name: `gracefully, 10 s`, `for 15 min, then pause`. */
export function operationOptions(act: SandboxAct, params: ActParams): string | null {
  return WORDS[act](params);
}

const MAX_COMMAND_CHARS = 120;

/** Other people's text, on one line. */
function shortened(command: string): string {
  const line = visibleText(command.replace(/\s+/g, ' ').trim());
  return line.length > MAX_COMMAND_CHARS ? `${line.slice(0, MAX_COMMAND_CHARS)}…` : line;
}
