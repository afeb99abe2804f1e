import type { SandboxAct } from './can';

/** What a sandbox service may or may not offer (docs/protocol.md#capabilities). */
export const CAPABILITIES = [
  'cursor',
  'startedAfter',
  'limits',
  'templates',
  'pause',
  'keepsMemory',
  'resume',
  'resumeAutoPause',
  'setTimeout',
  'lifecycle',
  'metrics',
  'batchMetrics',
  'memoryCache',
  'logs',
  'logsV2',
  'events',
  'runs',
  'teamMetrics',
  'files',
  'processes',
  'snapshots',
  'fork',
  'demoFleet',
  'sharesDisk',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

type CapabilityFacts = {
  /** The name in a list of capabilities. */
  title: string;
  /** The reason that what needs it is unavailable. */
  lacking: string;
};

export const CAPABILITY_FACTS = {
  cursor: {
    title: 'List in pages',
    lacking: 'This service lists sandboxes without pages, so some may be missing from the list.',
  },
  startedAfter: {
    title: 'List of those started after a time',
    lacking: 'This service cannot list only the sandboxes that started after a time.',
  },
  limits: {
    title: 'Limit of running sandboxes',
    lacking: 'This service does not tell how many sandboxes may run.',
  },
  templates: { title: 'List of templates', lacking: 'This service does not list its templates.' },
  pause: { title: 'Pause', lacking: 'This service cannot pause sandboxes.' },
  keepsMemory: {
    title: 'Memory kept while paused',
    lacking: 'This service keeps the files of a paused sandbox, but not its processes.',
  },
  resume: { title: 'Resume', lacking: 'This service cannot resume sandboxes.' },
  resumeAutoPause: {
    title: 'Resume that pauses at its deadline',
    lacking: 'This service cannot resume a sandbox so that it pauses again.',
  },
  setTimeout: { title: 'Set time left', lacking: 'This service cannot change the time that is left.' },
  lifecycle: {
    title: 'What happens at the deadline',
    lacking: 'This service does not tell whether a sandbox is paused or killed at its deadline.',
  },
  metrics: { title: 'Metrics', lacking: 'This service has no metrics.' },
  batchMetrics: {
    title: 'Metrics of many sandboxes at once',
    lacking: 'This service reports metrics one sandbox at a time.',
  },
  memoryCache: { title: 'Cached memory in metrics', lacking: 'This service does not report cached memory.' },
  logs: { title: 'Logs', lacking: 'This service has no logs.' },
  logsV2: {
    title: 'Logs by level and text',
    lacking: 'This service cannot filter logs by level or text.',
  },
  events: { title: 'Lifecycle events', lacking: 'This service keeps no events of sandboxes that ended.' },
  runs: { title: 'History of sandboxes', lacking: 'This service keeps no history of sandboxes that ended.' },
  teamMetrics: { title: 'Metrics of the team', lacking: 'This service has no metrics of the team.' },
  files: { title: 'Files', lacking: 'This service does not give access to files.' },
  processes: {
    title: 'Processes, commands and consoles',
    lacking: 'This service cannot start processes in its sandboxes.',
  },
  snapshots: { title: 'Snapshots', lacking: 'This service has no snapshots.' },
  fork: { title: 'Fork', lacking: 'This service cannot fork sandboxes.' },
  sharesDisk: {
    title: "Sandboxes on Sandkeeper's disk",
    lacking: 'The sandboxes of this service are not on the disk of Sandkeeper.',
  },
  demoFleet: { title: 'Demo fleet', lacking: 'A demo fleet can only be created on the local engine.' },
} satisfies Record<Capability, CapabilityFacts>;

/** The capabilities that a connection lacks, with the reason to show. */
export type Lacking = Readonly<Partial<Record<Capability, string>>>;

export const LACKS_NOTHING: Lacking = {};

const NEEDED = {
  kill: null,
  pause: 'pause',
  resume: 'resume',
  setTimeout: 'setTimeout',
  run: 'processes',
} satisfies Record<SandboxAct, Capability | null>;

/** The reason that no sandbox of a service that lacks these allows `act`, or `null`. */
export function serviceCannot(lacking: Lacking, act: SandboxAct): string | null {
  const needed = NEEDED[act];
  return needed === null ? null : (lacking[needed] ?? null);
}
