'use client';

import { Button } from '@/components/ui/button';
import { Select } from '@/components/ui/select';
import {
  isNarrowed,
  LOG_STATES,
  type LogSearch,
  type LogState,
  WHOLE_LOG,
} from '@/lib/operations/record/log-filter';
import { SANDBOX_ACTS, type SandboxAct } from '@/lib/sandbox/can';
import { PersonSelect, SandboxInput, TimeSelect, useTimes } from './filter-inputs';

const ACTS = {
  kill: 'Kills',
  pause: 'Pauses',
  resume: 'Resumes',
  setTimeout: 'Changes of time left',
  run: 'Commands',
} satisfies Record<SandboxAct, string>;

const STATES = {
  running: 'Under way',
  finished: 'Finished',
  cancelled: 'Stopped by somebody',
  troubled: 'With failures',
} satisfies Record<LogState, string>;

type Props = {
  search: LogSearch;
  actors: readonly string[];
  onAsk: (changes: Partial<LogSearch>) => void;
};

/** What narrows the log down. The address holds all of it. */
export function LogFilters({ search, actors, onAsk }: Props) {
  const times = useTimes(search, onAsk);

  return (
    <search
      aria-label="Narrow down the operations"
      className="flex flex-wrap items-center gap-2 border-line border-b px-5 py-2.5"
    >
      <Select
        label="Act"
        value={search.act ?? ''}
        options={[
          { value: '', label: 'Every act' },
          ...SANDBOX_ACTS.map((act) => ({ value: act, label: ACTS[act] })),
        ]}
        onChange={(act) => onAsk({ act: act || null })}
      />
      <PersonSelect search={search} people={actors} onAsk={onAsk} />
      <Select
        label="Outcome"
        value={search.state ?? ''}
        options={[
          { value: '', label: 'However it went' },
          ...LOG_STATES.map((state) => ({ value: state, label: STATES[state] })),
        ]}
        onChange={(state) => onAsk({ state: state || null })}
      />
      <TimeSelect {...times} />
      <SandboxInput search={search} onAsk={onAsk} placeholder="On the sandbox with the id…" />
      {isNarrowed(search) ? (
        <Button
          tone="quiet"
          onClick={() => {
            times.clear();
            onAsk(WHOLE_LOG);
          }}
        >
          Clear
        </Button>
      ) : null}
    </search>
  );
}
