/** The fields of `/proc/<pid>/stat` that Sandkeeper uses. See proc(5). */
export type ProcStat = {
  /** The program's name: untrusted text, up to 15 bytes long. */
  name: string;
  /** One letter: `R` runs, `S` sleeps, `Z` is a zombie. */
  state: string;
  parentPid: number;
  processGroup: number;
  /** The device number of the controlling terminal, 0 for none. */
  terminal: number;
  /** The foreground process group of that terminal, -1 for none. */
  foregroundGroup: number;
  /** Time in user mode and in the kernel, in clock ticks. */
  userTicks: number;
  systemTicks: number;
  /** Start time after boot, in clock ticks. */
  startTicks: number;
  residentPages: number;
  /** How a zombie ended, as `waitpid` reports it. */
  exitStatus: number;
};

/** Numbers that the text leaves out or garbles are NaN. */
export function parseProcStat(text: string): ProcStat {
  // The name is in parentheses and may itself contain any character, including parentheses.
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  // proc(5) counts from 1, and the first field after the name is number 3.
  const field = (number: number) => Number(fields[number - 3]);
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    state: fields[0]?.slice(0, 1) ?? '?',
    parentPid: field(4),
    processGroup: field(5),
    terminal: field(7),
    foregroundGroup: field(8),
    userTicks: field(14),
    systemTicks: field(15),
    startTicks: field(22),
    residentPages: field(24),
    exitStatus: field(52),
  };
}
