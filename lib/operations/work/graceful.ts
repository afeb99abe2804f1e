import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import { SandkeeperError } from '../../errors';
import { type Envd, openEnvd } from '../../sandbox-api/envd';

/** How a sandbox took to being asked to end. `left`: how many processes were still there when the time was up. */
export type GracefulEnd = { kind: 'ended'; tookMs: number } | { kind: 'outlasted'; left: number };

/**
 * Runs inside the sandbox, as its default user, with nothing but a shell, `sleep` and /proc. Arguments: `ask` to signal
 * first or `watch` to only wait, the wait in hundredths of a second, and the processes that were started from outside.
 *
 * Everything that can be signalled gets SIGTERM once (a second one makes many programs drop what they are doing), and
 * SIGCONT, without which a stopped one would never see it. An interactive shell ignores SIGTERM; once nothing else is
 * left, terminals are hung up, and not before, because shells pass that on to jobs that may still be at work.
 * Left alone are the first process, this shell and the agent that started it. Where the default user is root, so are
 * the kernel's threads and the machine's other services, which would only be started anew.
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

# Whether process $1 is one of those that are asked; as root, all the others of the machine could be signalled, too.
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

# Counts the processes that are left; $1 = quickly: stops counting at the first that is no terminal's.
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

/** What the script may say; more would not be it. */
const MAX_OUTPUT_BYTES = 64 * 1024;
/** What a slow machine may take beyond the wait, ms. */
const SLACK_MS = 10_000;
/** The wait between two attempts to look after the processes were asked, ms. */
const LOOK_AGAIN_MS = 500;

/**
 * Asks every process of a running sandbox to end (SIGTERM) and waits until all are gone, at most `graceMs`. Kills
 * nothing, wakes nothing and moves no deadline.
 * @throws SandkeeperError when they could not be asked: `not_found` gone, `conflict` not running, or what the way there
 * failed of; also when the sandbox is gone or paused before the end of the wait
 * @throws the reason of `signal` once that is aborted
 */
export async function askToEnd(
  sandboxId: string,
  graceMs: number,
  signal: AbortSignal = new AbortController().signal,
): Promise<GracefulEnd> {
  try {
    signal.throwIfAborted();
    return await askAndWatch(sandboxId, graceMs, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  }
}

async function askAndWatch(sandboxId: string, graceMs: number, signal: AbortSignal): Promise<GracefulEnd> {
  const startedMs = performance.now();
  const envd = await openEnvd(sandboxId);
  const listed = await envd.listPids(signal);
  const endsMs = performance.now() + graceMs;
  const watch: Watch = { listed, isAsked: false, left: null };
  for (;;) {
    const leftMs = Math.max(0, endsMs - performance.now());
    const isOver = await look(envd, watch, leftMs, signal);
    if (isOver && watch.left === 0) return { kind: 'ended', tookMs: performance.now() - startedMs };
    // The connection broke, or the sandbox had no room for one more process: the others were asked nonetheless.
    const isTooLate = endsMs - performance.now() <= LOOK_AGAIN_MS;
    if (isOver || isTooLate) return { kind: 'outlasted', left: watch.left ?? 1 };
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

/** What is known of the processes so far. */
type Watch = {
  /** Those that were started from outside. */
  listed: readonly number[];
  isAsked: boolean;
  /** How many are left, once that was said. */
  left: number | null;
};

/** Runs the script to its end. False when it was ended before it could say what is left, after it had asked. */
async function look(envd: Envd, watch: Watch, waitMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    const exitCode = await runScript(envd, watch, waitMs, signal);
    if (exitCode === 0) watch.left = 0;
    if (exitCode === 0 || exitCode === 1) return true;
  } catch (thrown) {
    const error = SandkeeperError.from(thrown);
    // Not there any more: there is nothing to wait for.
    const isNotThere = error.code === 'not_found' || error.code === 'conflict';
    if (signal.aborted || !watch.isAsked || isNotThere) throw error;
  }
  if (watch.isAsked) return false;
  throw new SandkeeperError('unexpected', 'The processes of the sandbox could not be asked to end.');
}

/** The script's exit status; `null` when something ended it. Notes in `watch` what it says. */
async function runScript(
  envd: Envd,
  watch: Watch,
  waitMs: number,
  signal: AbortSignal,
): Promise<number | null> {
  const lifeMs = Math.ceil(waitMs) + SLACK_MS;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(lifeMs)]);
  const args = [watch.isAsked ? 'watch' : 'ask', Math.ceil(waitMs / 10), ...watch.listed].map(String);
  const command = { cmd: '/bin/sh', args: ['-c', SCRIPT, 'sandkeeper', ...args] };
  let pid: number | null = null;
  let heard = '';
  let heardBytes = 0;
  try {
    for await (const event of envd.run(command, lifeMs, deadline)) {
      if (event.kind === 'start') pid = event.pid;
      if (event.kind === 'end') {
        pid = null;
        return event.exitCode;
      }
      if (event.kind !== 'stdout') continue;
      heardBytes += event.bytes.length;
      if (heardBytes > MAX_OUTPUT_BYTES) return null;
      const lines = `${heard}${event.bytes}`.split('\n');
      heard = lines.pop() ?? '';
      for (const line of lines) await take(line, envd, watch, deadline);
    }
    return null;
  } finally {
    // It would go on waiting inside until its life is over.
    if (pid !== null) await envd.signalProcess(pid, 'SIGKILL', AbortSignal.timeout(5_000)).catch(() => {});
  }
}

async function take(line: string, envd: Envd, watch: Watch, signal: AbortSignal): Promise<void> {
  if (line === 'asked') watch.isAsked = true;
  const [, what, digits] = /^(left|foreign) (\d{1,9})$/.exec(line) ?? [];
  if (what === 'left') watch.left = Number(digits);
  // A process of another user, which only the agent may signal.
  if (what === 'foreign' && watch.listed.includes(Number(digits))) {
    await envd.signalProcess(Number(digits), 'SIGTERM', signal);
  }
}
