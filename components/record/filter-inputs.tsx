'use client';

import { type ComponentProps, useState, useSyncExternalStore } from 'react';
import { Input } from '@/components/ui/field';
import { Select } from '@/components/ui/select';
import { unlessComposing } from '@/lib/key-events';
import type { CommonSearch, RecordSpan } from '@/lib/record-search';

const SPANS = {
  '1h': 'Last hour',
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
} satisfies Record<RecordSpan, string>;

type Time = RecordSpan | 'between' | '';
const TIMES: { value: Time; label: string }[] = [
  { value: '', label: 'Any time' },
  ...Object.entries(SPANS).map(([value, label]) => ({ value: value as RecordSpan, label })),
  { value: 'between', label: 'Custom range…' },
];

type Props = { search: CommonSearch; onFilter: (changes: Partial<CommonSearch>) => void };

export function PersonSelect({ search: { by }, people, onFilter }: Props & { people: readonly string[] }) {
  const offered = by === null || people.includes(by) ? people : [by, ...people];
  return (
    <Select
      label="Person"
      value={by ?? ''}
      options={[{ value: '', label: 'Anyone' }, ...offered.map((name) => ({ value: name, label: name }))]}
      onChange={(name) => onFilter({ by: name || null })}
      className="max-w-48"
    />
  );
}

export function SandboxInput({ search, onFilter }: Props) {
  return (
    <CommittedInput
      aria-label="Sandbox ID"
      placeholder="Sandbox ID"
      spellCheck={false}
      autoComplete="off"
      value={search.sandbox ?? ''}
      onCommit={(text) => onFilter({ sandbox: text.trim() || null })}
      className="w-56 font-mono text-small placeholder:font-sans placeholder:text-body"
    />
  );
}

/** The state of `TimeSelect`. A custom range shows its inputs before it has any limit. */
export function useTimeFilter({ search, onFilter }: Props) {
  const hasLimits = search.fromMs !== null || search.toMs !== null;
  const [isCustom, setIsCustom] = useState(hasLimits);
  return {
    search,
    onFilter,
    isBetween: search.within === null && (hasLimits || isCustom),
    choose: (time: Time) => {
      setIsCustom(time === 'between');
      onFilter({ within: time === 'between' || time === '' ? null : time, fromMs: null, toMs: null });
    },
    clear: () => setIsCustom(false),
  };
}

export function TimeSelect({ search, onFilter, isBetween, choose }: ReturnType<typeof useTimeFilter>) {
  return (
    <>
      <Select
        label="Time"
        value={isBetween ? 'between' : (search.within ?? '')}
        options={TIMES}
        onChange={choose}
      />
      {isBetween ? (
        <>
          <MomentInput label="From" ms={search.fromMs} onCommit={(fromMs) => onFilter({ fromMs })} />
          <MomentInput label="To" ms={search.toMs} onCommit={(toMs) => onFilter({ toMs })} />
        </>
      ) : null}
    </>
  );
}

type CommittedProps = Omit<ComponentProps<typeof Input>, 'onBlur' | 'onKeyDown' | 'onChange' | 'value'> & {
  value: string;
  onCommit: (text: string) => void;
};

/** Commits its text on Enter or blur. */
function CommittedInput({ value, onCommit, ...props }: CommittedProps) {
  const [typed, setTyped] = useState({ text: value, since: value });
  // The committed value changed elsewhere, such as by browser history or "Clear".
  if (typed.since !== value) setTyped({ text: value, since: value });
  const commit = () => {
    if (typed.text.trim() !== value) onCommit(typed.text);
  };
  return (
    <Input
      {...props}
      value={typed.text}
      onChange={({ currentTarget }) => setTyped({ text: currentTarget.value, since: value })}
      onBlur={commit}
      onKeyDown={unlessComposing(({ key }) => {
        if (key === 'Enter') commit();
      })}
    />
  );
}

const never = () => () => {};

type MomentProps = { label: string; ms: number | null; onCommit: (ms: number | null) => void };

/** A time in the browser's zone. Server rendering leaves the field empty, because it does not know the zone. */
function MomentInput({ label, ms, onCommit }: MomentProps) {
  const text = useSyncExternalStore(
    never,
    () => localText(ms),
    () => '',
  );
  return (
    <CommittedInput
      type="datetime-local"
      aria-label={label}
      title={label}
      value={text}
      onCommit={(typed) => onCommit(typed === '' ? null : new Date(typed).getTime())}
    />
  );
}

function localText(ms: number | null): string {
  if (ms === null) return '';
  const at = new Date(ms);
  return new Date(ms - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
