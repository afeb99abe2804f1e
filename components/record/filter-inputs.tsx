'use client';

import { type ComponentProps, useState, useSyncExternalStore } from 'react';
import { Input } from '@/components/ui/field';
import { Select } from '@/components/ui/select';
import type { CommonSearch, RecordSpan } from '@/lib/record-search';

const SPANS = {
  '1h': 'The last hour',
  '24h': 'The last 24 hours',
  '7d': 'The last 7 days',
  '30d': 'The last 30 days',
} satisfies Record<RecordSpan, string>;

type Time = RecordSpan | 'between' | '';
const TIMES: { value: Time; label: string }[] = [
  { value: '', label: 'At any time' },
  ...Object.entries(SPANS).map(([value, label]) => ({ value: value as RecordSpan, label })),
  { value: 'between', label: 'Between…' },
];

type Asking = { search: CommonSearch; onAsk: (changes: Partial<CommonSearch>) => void };

/** Who did it. */
export function PersonSelect({ search: { by }, people, onAsk }: Asking & { people: readonly string[] }) {
  const offered = by === null || people.includes(by) ? people : [by, ...people];
  return (
    <Select
      label="Person"
      value={by ?? ''}
      options={[{ value: '', label: 'By anybody' }, ...offered.map((name) => ({ value: name, label: name }))]}
      onChange={(name) => onAsk({ by: name || null })}
      className="max-w-48"
    />
  );
}

/** With which sandbox. */
export function SandboxInput({ search, onAsk, placeholder }: Asking & { placeholder: string }) {
  return (
    <CommittedInput
      aria-label="Sandbox id"
      placeholder={placeholder}
      spellCheck={false}
      autoComplete="off"
      value={search.sandbox ?? ''}
      onCommit={(text) => onAsk({ sandbox: text.trim() || null })}
      className="w-56 font-mono text-small placeholder:font-sans placeholder:text-body"
    />
  );
}

/** What `TimeSelect` shows. The input for limits is there before any is chosen. */
export function useTimes(search: CommonSearch, onAsk: Asking['onAsk']) {
  const hasLimits = search.fromMs !== null || search.toMs !== null;
  const [wantsLimits, setWantsLimits] = useState(hasLimits);
  return {
    search,
    onAsk,
    isBetween: search.within === null && (hasLimits || wantsLimits),
    choose: (time: Time) => {
      setWantsLimits(time === 'between');
      onAsk({ within: time === 'between' || time === '' ? null : time, fromMs: null, toMs: null });
    },
    clear: () => setWantsLimits(false),
  };
}

/** When. */
export function TimeSelect({ search, onAsk, isBetween, choose }: ReturnType<typeof useTimes>) {
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
          <MomentInput label="From" ms={search.fromMs} onCommit={(fromMs) => onAsk({ fromMs })} />
          <MomentInput label="Until" ms={search.toMs} onCommit={(toMs) => onAsk({ toMs })} />
        </>
      ) : null}
    </>
  );
}

type CommittedProps = Omit<ComponentProps<typeof Input>, 'onBlur' | 'onKeyDown' | 'onChange' | 'value'> & {
  value: string;
  onCommit: (text: string) => void;
};

/** Takes effect once the typing is over: at Enter, or when the focus goes elsewhere. */
function CommittedInput({ value, onCommit, ...props }: CommittedProps) {
  const [typed, setTyped] = useState({ text: value, since: value });
  // What is in force has changed from elsewhere: by the way back, or by clearing everything.
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
      onKeyDown={({ key }) => {
        if (key === 'Enter') commit();
      }}
    />
  );
}

const never = () => () => {};

type MomentProps = { label: string; ms: number | null; onCommit: (ms: number | null) => void };

/** A moment in the reader's own zone, which the server does not know: it leaves the field empty. */
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
