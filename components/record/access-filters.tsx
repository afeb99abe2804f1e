'use client';

import { Button } from '@/components/ui/button';
import { Select } from '@/components/ui/select';
import { type AccessSearch, isAccessNarrowed, WHOLE_ACCESS } from '@/lib/access/access-filter';
import { ACCESS_KINDS } from '@/lib/access/audit-schema';
import { ACCESS_WORDS } from './access-words';
import { PersonSelect, SandboxInput, TimeSelect, useTimes } from './filter-inputs';

type Props = {
  search: AccessSearch;
  actors: readonly string[];
  onAsk: (changes: Partial<AccessSearch>) => void;
};

/** What narrows the record of access down. The address holds all of it. */
export function AccessFilters({ search, actors, onAsk }: Props) {
  const times = useTimes(search, onAsk);
  return (
    <search
      aria-label="Narrow down the access"
      className="flex flex-wrap items-center gap-2 border-line border-b px-5 py-2.5"
    >
      <Select
        label="Kind"
        value={search.kind ?? ''}
        options={[
          { value: '', label: 'Every kind' },
          ...ACCESS_KINDS.map((kind) => ({ value: kind, label: ACCESS_WORDS[kind] })),
        ]}
        onChange={(kind) => onAsk({ kind: kind || null })}
      />
      <PersonSelect search={search} people={actors} onAsk={onAsk} />
      <TimeSelect {...times} />
      <SandboxInput search={search} onAsk={onAsk} placeholder="In the sandbox with the id…" />
      {isAccessNarrowed(search) ? (
        <Button
          tone="quiet"
          onClick={() => {
            times.clear();
            onAsk(WHOLE_ACCESS);
          }}
        >
          Clear
        </Button>
      ) : null}
    </search>
  );
}
