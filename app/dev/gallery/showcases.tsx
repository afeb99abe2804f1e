'use client';

import { Plus, Search, X } from 'lucide-react';
import { type ReactNode, useRef, useState } from 'react';
import { z } from 'zod';
import { FittedChips, MetadataChips } from '@/components/sandbox/metadata-chips';
import { StateBadge } from '@/components/sandbox/state-badge';
import { Button, IconButton } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { Combobox } from '@/components/ui/combobox';
import { CopyButton } from '@/components/ui/copy-button';
import { ConfirmDialog, Dialog } from '@/components/ui/dialog';
import { Field, Input, TextArea } from '@/components/ui/field';
import { LazyMenu, LazyPopover } from '@/components/ui/floating';
import { Kbd } from '@/components/ui/kbd';
import { LinkTabs } from '@/components/ui/link-tabs';
import { LocalTime } from '@/components/ui/local-time';
import { Mark } from '@/components/ui/mark';
import { Notice } from '@/components/ui/notice';
import { Select } from '@/components/ui/select';
import { Alert, Strip } from '@/components/ui/strip';
import { useForm } from '@/components/ui/use-form';
import { FileName } from '@/components/ui/visible-text';

const TONES = ['primary', 'plain', 'quiet', 'danger', 'danger-plain'] as const;
const REASON = 'Requires the operator role.';
const nothing = () => {};

/** Sections of the gallery, in the order on screen. */
export const SHOWCASES: readonly { name: string; Showcase: () => ReactNode }[] = [
  { name: 'Buttons', Showcase: Buttons },
  { name: 'Fields', Showcase: Fields },
  { name: 'Form', Showcase: SampleForm },
  { name: 'Choices', Showcase: Choices },
  { name: 'Suggestions', Showcase: Suggestions },
  { name: 'Strips', Showcase: Strips },
  { name: 'Notices', Showcase: Notices },
  { name: 'Floating', Showcase: Floating },
  { name: 'Tabs', Showcase: Tabs },
  { name: 'Sandbox', Showcase: SandboxParts },
  { name: 'Text', Showcase: Texts },
];

function Line({ children }: { children: ReactNode }) {
  return <div className="mb-3 flex flex-wrap items-center gap-2 last:mb-0">{children}</div>;
}

function Buttons() {
  return (
    <>
      {TONES.map((tone) => (
        <Line key={tone}>
          <Button tone={tone}>Kill sandbox</Button>
          <Button tone={tone} unavailable={REASON}>
            Unavailable
          </Button>
          <Button tone={tone} isBusy>
            Starting…
          </Button>
          <Button tone={tone} size="lg">
            Large
          </Button>
        </Line>
      ))}
      <Line>
        <IconButton label="Find">
          <Search size={15} aria-hidden />
        </IconButton>
        <IconButton label="New console" unavailable={REASON}>
          <Plus size={15} aria-hidden />
        </IconButton>
        <IconButton label="Close" isBusy>
          <X size={15} aria-hidden />
        </IconButton>
        <CopyButton text="sample" label="Copy ID" />
        <Button aria-pressed className="aria-pressed:border-accent">
          15 min
        </Button>
      </Line>
    </>
  );
}

function Fields() {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Template">
        <Input defaultValue="base" />
      </Field>
      <Field label="Reason" hint="Optional. Saved in the audit log.">
        <Input placeholder="Old test data" />
      </Field>
      <Field label="Minutes from now" error="Enter a whole number of minutes from 1 to 1440.">
        <Input defaultValue="soon" />
      </Field>
      <Field label="Start directory" hint="Cannot be changed now.">
        <Input disabled defaultValue="/home/user" className="disabled:opacity-60" />
      </Field>
      <Field label="Metadata" hint="One key=value per line" className="sm:col-span-2">
        <TextArea
          rows={3}
          defaultValue={'team=agents\nenvironment=development'}
          className="font-mono text-small"
        />
      </Field>
    </div>
  );
}

const SampleInput = z.object({
  name: z.string().trim().min(1, 'Enter a name.'),
  minutes: z.string().regex(/^[1-9]\d{0,3}$/, 'Enter a whole number of minutes.'),
});

function SampleForm() {
  const { values, change, errors, refusal, isSending, form, submit } = useForm({
    initial: { name: 'nightly', minutes: '15' },
    schema: SampleInput,
    send: async () => 'The service refused the request. Try again in a minute.',
  });
  return (
    <form {...form} className="flex flex-col items-start gap-3">
      <Field label="Name" error={errors.name} className="w-full">
        <Input value={values.name} onChange={({ target }) => change('name', target.value)} />
      </Field>
      <Field label="Minutes" error={errors.minutes} className="w-40">
        <Input value={values.minutes} onChange={({ target }) => change('minutes', target.value)} />
      </Field>
      {refusal === null ? null : <Alert>{refusal}</Alert>}
      <Button tone="primary" {...submit}>
        {isSending ? 'Creating…' : 'Create sandbox'}
      </Button>
    </form>
  );
}

const ORDERS = [
  { value: 'any', label: 'Any outcome' },
  { value: 'failed', label: 'Failed' },
] as const;

function Choices() {
  const [order, setOrder] = useState<'any' | 'failed'>('any');
  return (
    <>
      <Line>
        {[false, true].map((isOn) => (
          <label key={String(isOn)} className="flex items-center gap-1.5">
            <Checkbox defaultChecked={isOn} />
            {isOn ? 'On' : 'Off'}
          </label>
        ))}
        <label className="flex items-center gap-1.5">
          <Checkbox isIndeterminate checked={false} onChange={nothing} />
          Some
        </label>
        {[false, true].map((isOn) => (
          <label key={String(isOn)} className="flex items-center gap-1.5 text-ink-3">
            <Checkbox disabled defaultChecked={isOn} />
            Disabled
          </label>
        ))}
      </Line>
      <Line>
        <Select label="Outcome" value={order} options={ORDERS} onChange={setOrder} />
        <Select label="Outcome, chosen" value="failed" options={ORDERS} onChange={nothing} />
        <Select label="Outcome, plain" isPlain value="failed" options={ORDERS} onChange={nothing} />
      </Line>
    </>
  );
}

const TERMS = ['state:paused', 'state:running', 'team=agents', 'team=evals'];

function Suggestions() {
  const [text, setText] = useState('');
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="rounded-md border border-line bg-surface px-2.5 py-[5px]">
      <Combobox
        label="Filter"
        placeholder="state:paused"
        value={text}
        onChange={setText}
        onCaret={nothing}
        items={TERMS.filter((term) => term.includes(text))}
        itemKey={(term) => term}
        drawItem={(term) => <span className="font-mono text-small">{term}</span>}
        onTake={setText}
        onDone={nothing}
        isInvalid={false}
        inputRef={input}
        onOtherKey={nothing}
        listSlot={slot}
      />
      <div ref={setSlot} className="flex h-6" />
    </div>
  );
}

function Strips() {
  return (
    <div className="-mx-4 border-line border-t">
      <Strip>
        <strong className="font-semibold">It is paused.</strong> What you see was read before.
      </Strip>
      <Strip actions={<Button>Resume…</Button>}>
        <strong className="font-semibold">The sandbox is paused</strong>, and its shells with it. Resume it to
        continue.
      </Strip>
      <Strip
        label="Wake"
        isUrgent
        actions={
          <>
            <Button>+15 min</Button>
            <Button unavailable={REASON}>Pause now</Button>
          </>
        }
      >
        <strong className="font-semibold">Awake</strong>, pauses in 0:42. Its processes are running.
      </Strip>
      <Strip tone="plain" isDense actions={<Button className="h-7!">Take over</Button>}>
        <strong className="font-semibold">View only.</strong> Another person is typing.
      </Strip>
      <Strip tone="news" isDense actions={<Button className="h-7!">Show changes</Button>}>
        The file changed.
      </Strip>
    </div>
  );
}

function Notices() {
  return (
    <div className="flex flex-col gap-4">
      <Notice level="h2" title="No console is open">
        <p className="mb-3">Open one to run a shell in this sandbox.</p>
        <Button tone="primary">New console</Button>
      </Notice>
      <Alert>The server could not be reached. Nothing was started.</Alert>
    </div>
  );
}

const ACTIONS = [
  { label: 'Pause', onActivate: nothing },
  { label: 'Resume…', onActivate: nothing, disabledReason: 'It is already running.' },
  { label: 'Kill…', onActivate: nothing, tone: 'danger' as const, separated: true },
];

function Floating() {
  const [menu, setMenu] = useState<HTMLElement | null>(null);
  const [popover, setPopover] = useState<HTMLElement | null>(null);
  const [dialog, setDialog] = useState<'dialog' | 'confirm' | null>(null);
  const close = () => setDialog(null);
  const parts = {
    onOpenChange: (open: boolean) => {
      if (!open) close();
    },
    footer: (
      <>
        <Button onClick={close}>Cancel</Button>
        <Button tone="danger" unavailable="Type the confirmation first.">
          Kill 3 sandboxes
        </Button>
      </>
    ),
  };
  return (
    <Line>
      <Button onClick={({ currentTarget }) => setMenu(currentTarget)}>Menu</Button>
      <Button onClick={({ currentTarget }) => setPopover(currentTarget)}>Popover</Button>
      <Button onClick={() => setDialog('dialog')}>Dialog</Button>
      <Button onClick={() => setDialog('confirm')}>Confirmation</Button>
      <LazyMenu anchor={menu} onClose={() => setMenu(null)} acts={ACTIONS} header="3 selected" />
      <LazyPopover anchor={popover} onClose={() => setPopover(null)} title="Columns">
        <p>Choose what the table shows.</p>
      </LazyPopover>
      <Dialog
        open={dialog === 'dialog'}
        title="New sandbox"
        description="Metadata cannot be changed later."
        {...parts}
      >
        <Fields />
      </Dialog>
      <ConfirmDialog
        open={dialog === 'confirm'}
        title="Kill 3 sandboxes"
        description="Files and processes are lost."
        {...parts}
      />
    </Line>
  );
}

function Tabs() {
  return (
    <div className="border-line border-b">
      <LinkTabs
        label="Sample"
        current="files"
        tabs={[
          { key: 'overview', name: 'Overview', href: '#Tabs' },
          { key: 'files', name: 'Files', href: '#Tabs' },
          { key: 'console', name: 'Console', href: '#Tabs' },
        ]}
      />
    </div>
  );
}

const METADATA = { team: 'agents', environment: 'development', note: 'a value that is longer than its chip' };

function SandboxParts() {
  return (
    <>
      <Line>
        <StateBadge state="running" />
        <StateBadge state="paused" />
        <StateBadge state="unknown" />
        <StateBadge state="running" act="pause" />
        <StateBadge state="running" isGone />
      </Line>
      <Line>
        <FittedChips metadata={METADATA} widthPx={300} onPick={nothing} onMore={nothing} />
      </Line>
      <Line>
        <MetadataChips metadata={METADATA} />
      </Line>
    </>
  );
}

function Texts() {
  return (
    <>
      <Line>
        <Mark />
        <Kbd>Ctrl K</Kbd>
        <LocalTime ms={Date.UTC(2026, 0, 2, 3, 4, 5)} />
      </Line>
      <Line>
        <span className="text-ink">ink</span>
        <span className="text-ink-2">ink-2</span>
        <span className="text-ink-3">ink-3</span>
        <span className="text-accent">accent</span>
        <span className="text-running">running</span>
        <span className="text-paused">paused</span>
        <span className="text-danger">danger</span>
      </Line>
      <Line>
        <FileName name={'report\u202e.fdp.exe'} className="max-w-48 font-mono" />
        <FileName
          name="a-very-long-name-that-is-shortened-before-its-extension.tar.gz"
          className="max-w-60 font-mono"
        />
      </Line>
    </>
  );
}
