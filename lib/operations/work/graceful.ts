import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import { SandkeeperError } from '../../errors';
import { joinSignals } from '../../joined-signal';
import { apiOf } from '../../sandbox-api/configured';
import type { Envd } from '../../sandbox-api/envd';
import type { SandboxKey } from '../../sandbox-key';

/** `left`: how many processes were still running when the time was up. */
export type GracefulEnd = { kind: 'ended'; tookMs: number } | { kind: 'outlasted'; left: number };

/**
 * Runs inside the sandbox as its default user, with only a shell, `sleep` and /proc. Arguments: `ask` to signal first or
 * `watch` to only wait, the wait in hundredths of a second, and the pids of processes started by API.
 *
 * Every process gets SIGTERM once (many programs abort their work on a second one), and SIGCONT, so that a stopped
 * process receives it. Interactive shells ignore SIGTERM. Terminals get SIGHUP only after everything else has ended,
 * because a shell passes SIGHUP on to its jobs. The first process, this shell and its parent agent are skipped, and as
 * root also kernel threads and system services, which would be restarted.
 */
const SCRIPT = `# Sandkeeper asks all processes to end and waits for them
exec 2>/dev/null
mode=$1 wait=$2
shift 2
listed=" $* "
trap '' TERM HUP
clock() { read -r up _ </proc/uptime && now=$((\${up%.*} * 100 + 1\${up#*.} - 100)); }
last_line() { last= next=; while IFS= read -r next; do last=$next; done <"$1"; }
uid=0
while read -r key value _; do [ "$key" = Uid: ] && uid=$value; done </proc/self/status
last_line /proc/$PPID/cgroup; ours=$last

# Whether to signal process $1. Root could signal every process of the machine.
is_meant() {
  case $1 in 1 | $$ | $PPID) return 1 ;; esac
  [ "$uid" = 0 ] || return 0
  last_line "/proc/$1/cmdline"
  [ -n "$next" ] || return 1
  last_line "/proc/$1/cgroup"
  [ "$last" = "$ours" ] && return 0
  case $last in *.service | */init.scope) return 1 ;; esac
}

signal_all() {
  [ "$uid" = 0 ] || { kill -"$1" -1; return; }
  for dir in /proc/[0-9]*; do is_meant "\${dir#/proc/}" && kill -"$1" "\${dir#/proc/}"; done
}

# Counts the remaining processes. With $1 = quickly, stops at the first that is not a terminal's shell.
count() {
  left=0 terminals=
  for dir in /proc/[0-9]*; do
    pid=\${dir#/proc/}
    is_meant "$pid" || continue
    kill -0 "$pid" || case $listed in *" $pid "*) ;; *) continue ;; esac
    last_line "$dir/stat"
    set -- "$1" \${last##*) }
    case $2 in '' | Z | X) continue ;; esac
    if [ "$5" = "$pid" ] && [ "$6" != 0 ]; then terminals="$terminals $pid"; continue; fi
    left=$((left + 1))
    [ "$1" = quickly ] && return
  done
}

clock || exit 2
end=$((now + wait))
if [ "$mode" = ask ]; then
  signal_all TERM
  signal_all CONT
  echo asked
  for pid in "$@"; do kill -0 "$pid" || { [ -d "/proc/$pid" ] && echo "foreign $pid"; }; done
fi
hung_up=
while :; do
  count quickly
  if [ "$left" = 0 ]; then
    [ -z "$terminals" ] && exit 0
    [ -z "$hung_up" ] && for pid in $terminals; do kill -HUP "$pid"; kill -CONT "$pid"; done
    hung_up=yes
  fi
  clock
  [ "$now" -ge "$end" ] && break
  sleep 0.1 || sleep 1 || exit 2
done
count exactly
for pid in $terminals; do left=$((left + 1)); done
[ "$left" = 0 ] && exit 0
echo "left $left"
exit 1
`;

/** The script writes far less than this. */
const MAX_OUTPUT_BYTES = 64 * 1024;
/** Extra time for a slow machine. */
const SLACK_MS = 10_000;
const RETRY_MS = 500;

/**
 * Sends SIGTERM to every process of a running sandbox and waits at most `graceMs` for them to end. Never kills, wakes or
 * changes a deadline.
 * @throws SandkeeperError if the signal could not be sent, or if the sandbox is terminated (`not_found`) or paused
 * (`conflict`) during the wait; the reason of `signal`
 */
export async function askToEnd(
  sandboxKey: SandboxKey,
  graceMs: number,
  signal: AbortSignal = new AbortController().signal,
): Promise<GracefulEnd> {
  try {
    signal.throwIfAborted();
    return await askAndWatch(sandboxKey, graceMs, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  }
}

async function askAndWatch(
  sandboxKey: SandboxKey,
  graceMs: number,
  signal: AbortSignal,
): Promise<GracefulEnd> {
  const startedMs = performance.now();
  const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
  const listed = (await envd.listProcesses(signal)).map(({ pid }) => pid);
  const endsMs = performance.now() + graceMs;
  const watch: Watch = { listed, isAsked: false, left: null };
  for (;;) {
    const leftMs = Math.max(0, endsMs - performance.now());
    const isOver = await tryScript(envd, watch, leftMs, signal);
    if (isOver && watch.left === 0) return { kind: 'ended', tookMs: performance.now() - startedMs };
    // The connection broke or the script could not be started again, but SIGTERM was sent.
    const isTooLate = endsMs - performance.now() <= RETRY_MS;
    if (isOver || isTooLate) return { kind: 'outlasted', left: watch.left ?? 1 };
    await sleep(RETRY_MS, undefined, { signal });
  }
}

type Watch = {
  /** Processes started by API. */
  listed: readonly number[];
  isAsked: boolean;
  /** How many are left, once the script has reported it. */
  left: number | null;
};

/** Runs the script. Returns false if it was interrupted after it had sent SIGTERM. */
async function tryScript(envd: Envd, watch: Watch, waitMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    const exitCode = await runScript(envd, watch, waitMs, signal);
    if (exitCode === 0) watch.left = 0;
    if (exitCode === 0 || exitCode === 1) return true;
  } catch (thrown) {
    const error = SandkeeperError.from(thrown);
    const hasNoProcesses = error.code === 'not_found' || error.code === 'conflict';
    if (signal.aborted || !watch.isAsked || hasNoProcesses) throw error;
  }
  if (watch.isAsked) return false;
  throw new SandkeeperError('unexpected', 'The processes of the sandbox could not be asked to end.');
}

/** Returns the script's exit status, or `null` if it was interrupted. Stores its output in `watch`. */
async function runScript(
  envd: Envd,
  watch: Watch,
  waitMs: number,
  signal: AbortSignal,
): Promise<number | null> {
  const lifeMs = Math.ceil(waitMs) + SLACK_MS;
  const { signal: deadline, release } = joinSignals([signal], lifeMs);
  const args = [watch.isAsked ? 'watch' : 'ask', Math.ceil(waitMs / 10), ...watch.listed].map(String);
  const command = { cmd: '/bin/sh', args: ['-c', SCRIPT, 'sandkeeper', ...args] };
  let pid: number | null = null;
  let pending = '';
  let outputBytes = 0;
  try {
    for await (const event of envd.run(command, lifeMs, deadline)) {
      if (event.kind === 'start') pid = event.pid;
      if (event.kind === 'end') {
        pid = null;
        return event.exitCode;
      }
      if (event.kind !== 'stdout') continue;
      outputBytes += event.bytes.length;
      if (outputBytes > MAX_OUTPUT_BYTES) return null;
      const lines = `${pending}${event.bytes}`.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) await handleLine(line, envd, watch, deadline);
    }
    return null;
  } finally {
    release();
    // Otherwise the script would keep waiting inside the sandbox.
    if (pid !== null) await envd.signalProcess(pid, 'SIGKILL', AbortSignal.timeout(5_000)).catch(() => {});
  }
}

async function handleLine(line: string, envd: Envd, watch: Watch, signal: AbortSignal): Promise<void> {
  if (line === 'asked') watch.isAsked = true;
  const [, what, digits] = /^(left|foreign) (\d{1,9})$/.exec(line) ?? [];
  if (what === 'left') watch.left = Number(digits);
  // Only the agent may signal a process of another user.
  if (what === 'foreign' && watch.listed.includes(Number(digits))) {
    await envd.signalProcess(Number(digits), 'SIGTERM', signal);
  }
}
