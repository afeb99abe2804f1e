/**
 * Shell scripts that read and signal the processes of a sandbox. They use builtins where they can, because a small image
 * has few programs.
 */

/** A shell to try, and its script. Small images have no bash. */
export type ShellScript = { cmd: string; args: readonly string[] };

/** The most processes that a reading contains. In `sh`, each one costs two programs. */
const MAX_PROCESSES = 2_000;
const MAX_PROCESSES_IN_SH = 500;
/** The exit code of a reading that has left processes out. */
export const CUT_EXIT_CODE = 9;

const UID = `uid=
  { while read -r key value _; do
    [ "$key" = Uid: ] && { uid=$value; break; }
  done <"$dir/status"; } 2>/dev/null`;

/**
 * Prints the uptime and the pid of the daemon that started it, then for each process its pid, uid, `stat` and command
 * line, each followed by NUL. Skips processes that end while it runs.
 */
const listScript = (stat: string, line: string, max: number) => `
read -r up _ </proc/uptime
printf '%s\\0%s\\0' "$up" "$PPID"
n=0
for dir in /proc/[0-9]*; do
  pid=\${dir#/proc/}
  [ "$pid" = "$$" ] && continue
  stat=
  { ${stat} <"$dir/stat"; } 2>/dev/null
  [ -n "$stat" ] || continue
  [ "$n" -ge ${max} ] && exit ${CUT_EXIT_CODE}
  ${UID}
  ${line}
  printf '%s\\0%s\\0%s\\0%s\\0' "$pid" "\${uid:-0}" "$stat" "$line"
  n=$((n + 1))
done
exit 0
`;

const READ_LINES = `while IFS= read -r part || [ -n "$part" ]; do stat="$stat$part "; done`;

const LIST_IN_BASH = listScript(
  `IFS= read -r -d '' stat`,
  `args=()
  { mapfile -d '' -t -n 200 args <"$dir/cmdline"; } 2>/dev/null
  line="\${args[*]}"
  line=\${line:0:2000}`,
  MAX_PROCESSES,
);
const LIST_IN_SH = listScript(
  READ_LINES,
  `line=$(head -c 2000 "$dir/cmdline" 2>/dev/null | tr '\\000' ' ')`,
  MAX_PROCESSES_IN_SH,
);

export const LIST_SCRIPTS: readonly ShellScript[] = [
  { cmd: '/bin/bash', args: ['--noprofile', '--norc', '-c', LIST_IN_BASH] },
  { cmd: '/bin/sh', args: ['-c', LIST_IN_SH] },
];

/** The exit codes of `signalScript`. */
export const SIGNAL_EXITS = { sent: 0, gone: 3, other: 4, refused: 5, essential: 6 } as const;

/**
 * Checks that process `$1` started at `$2` clock ticks after boot, prints its name and command line, and sends it the
 * signal `$3` unless that is empty. Never signals the first process or the daemon that started this script.
 */
const SIGNAL = `
stat=
{ ${READ_LINES} <"/proc/$1/stat"; } 2>/dev/null
[ -n "$stat" ] || exit ${SIGNAL_EXITS.gone}
pid=$1
ticks=$2
name=$3
[ "$pid" = 1 ] || [ "$pid" = "$PPID" ] && exit ${SIGNAL_EXITS.essential}
head -c 2000 "/proc/$pid/cmdline" 2>/dev/null
printf '\\0\\0%s' "$stat"
set -f
set -- \${stat##*) }
[ "\${20}" = "$ticks" ] || exit ${SIGNAL_EXITS.other}
[ -z "$name" ] && exit ${SIGNAL_EXITS.sent}
kill -s "$name" "$pid" 2>/dev/null || exit ${SIGNAL_EXITS.refused}
`;

export function signalScript(pid: number, startTicks: number, signal: string): ShellScript {
  return { cmd: '/bin/sh', args: ['-c', SIGNAL, 'sh', String(pid), String(startTicks), signal] };
}

const FOREGROUND_PATH = /^\/proc\/\d+\/(?:stat|comm|task\/\d+\/children)$/;

/** Whether this is one of the short programs with which Sandkeeper itself reads a sandbox's processes. */
export function isOwnReading({ cmd, args }: { cmd: string; args: readonly string[] }): boolean {
  if (cmd === 'cat') return args.length > 0 && args.every((path) => FOREGROUND_PATH.test(path));
  return args.some((arg) => arg === LIST_IN_BASH || arg === LIST_IN_SH || arg === SIGNAL);
}
