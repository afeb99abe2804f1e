'use client';

import { clsx } from 'clsx';
import { Check, Home, Pencil, X } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { type FormEvent, type KeyboardEvent, useRef, useState } from 'react';
import { z } from 'zod';
import { fleetPath, fleetPlace } from '@/components/data/fleet-return';
import { useOffers } from '@/components/data/use-offers';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { Field, Input } from '@/components/ui/field';
import { PopoverButton } from '@/components/ui/popover-button';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/ui/use-form';
import { Visible } from '@/components/ui/visible-text';
import { type Answer, answerOf } from '@/lib/answer';
import { fetchApi } from '@/lib/api-client';
import { ANYWHERE, EVERYWHERE, type Grants, mayIn } from '@/lib/grants';
import { unlessComposing } from '@/lib/key-events';
import type { Command } from '@/lib/palette/offers';
import { paths } from '@/lib/paths';
import { chooseStartView, deleteOneView, renameOneView, saveOneView } from '@/lib/views/actions';
import type { SavedView } from '@/lib/views/schema';
import { visibleText } from '@/lib/visible-text';

type Views = Answer<SavedView[]>;
type Props = { served: readonly SavedView[]; grants: Grants };

/** Filters saved under a name: one's own and the team's. One can be the start page. */
export function ViewsButton({ served, grants }: Props) {
  const isAdmin = mayIn(grants, 'admin', EVERYWHERE);
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [views, setViews] = useState(served);
  const router = useRouter();
  useOffers(() => [
    ...views.map((view): Command => {
      const title = `Open view ${view.name}`;
      return {
        id: `view:${view.id}`,
        group: 'page',
        title,
        words: 'saved filter',
        onRun: () => router.push(pathOf(view)),
      };
    }),
    {
      id: 'fleet:views',
      group: 'page',
      title: 'Views…',
      words: 'save filter saved start page',
      onRun: () => open(button.current),
    },
  ]);

  /** Another tab or person may have changed them. What is shown stays if they cannot be read. */
  function read() {
    fetchApi('/api/views')
      .then((response): Promise<SavedView[]> => response.json())
      .then(setViews, () => {});
  }

  function open(next: HTMLElement | null) {
    setAnchor(next);
    if (next !== null) read();
  }

  async function change(title: string, call: Promise<Views | null>): Promise<boolean> {
    const answer = await call;
    if (answer?.ok) setViews(answer.value);
    else {
      toast.error(title, {
        description: answer?.error.message ?? 'The server could not be reached. Try again.',
      });
      if (answer !== null) read();
    }
    return answer?.ok === true;
  }

  return (
    <PopoverButton label="Views" buttonRef={button} anchor={anchor} onAnchor={open}>
      <div className="flex max-h-[60vh] flex-col gap-3 overflow-y-auto">
        <ViewList name="Mine" views={views.filter(({ isShared }) => !isShared)} {...{ isAdmin, change }} />
        <ViewList name="Team" views={views.filter(({ isShared }) => isShared)} {...{ isAdmin, change }} />
        {views.length === 0 ? (
          <p className="text-ink-2">Save the filter, sort order and columns on screen under a name.</p>
        ) : null}
        <SaveForm mayShare={mayIn(grants, 'operator', ANYWHERE)} onSaved={setViews} />
      </div>
    </PopoverButton>
  );
}

type Change = (title: string, call: Promise<Views | null>) => Promise<boolean>;
type ListProps = { name: string; views: readonly SavedView[]; isAdmin: boolean; change: Change };

function ViewList({ name, views, isAdmin, change }: ListProps) {
  if (views.length === 0) return null;
  return (
    <section aria-label={name}>
      <h3 className="text-ink-3 text-small">{name}</h3>
      <ul className="-mx-1">
        {views.map((view) => (
          <ViewLine key={view.id} {...{ view, isAdmin, change }} />
        ))}
      </ul>
    </section>
  );
}

function ViewLine({ view, isAdmin, change }: { view: SavedView } & Pick<ListProps, 'isAdmin' | 'change'>) {
  const router = useRouter();
  const [isNaming, setIsNaming] = useState(false);
  const rename = useRef<HTMLButtonElement>(null);
  const mayChange = view.isMine || isAdmin;
  if (isNaming)
    return (
      <li>
        <RenameForm
          view={view}
          change={change}
          onClose={() => {
            setIsNaming(false);
            // It is drawn again after this event.
            setTimeout(() => rename.current?.focus());
          }}
        />
      </li>
    );
  return (
    <li className="flex items-center gap-1 rounded-sm px-1 hover:bg-hover">
      <button
        type="button"
        aria-current={fleetPath() === pathOf(view) ? 'true' : undefined}
        onClick={() => router.push(pathOf(view))}
        className="min-w-0 flex-1 truncate py-1 text-left aria-[current]:font-medium aria-[current]:text-accent"
      >
        <Visible text={view.name} title={view.isMine ? view.query : `${view.owner}: ${view.query}`} />
      </button>
      <button
        type="button"
        aria-pressed={view.isStart}
        aria-label={`Start with ${visibleText(view.name)}`}
        title={
          view.isStart ? 'Your start page. Click to start with all sandboxes.' : 'Make it your start page'
        }
        onClick={() =>
          void change(
            'The start page was not changed',
            answerOf(chooseStartView({ id: view.isStart ? null : view.id })),
          )
        }
        className={clsx('rounded-sm p-1', view.isStart ? 'text-accent' : 'text-ink-3 hover:text-ink')}
      >
        <Home size={14} aria-hidden />
      </button>
      {mayChange ? (
        <button
          ref={rename}
          type="button"
          aria-label={`Rename ${visibleText(view.name)}`}
          title="Rename this view"
          onClick={() => setIsNaming(true)}
          className="rounded-sm p-1 text-ink-3 hover:text-ink"
        >
          <Pencil size={14} aria-hidden />
        </button>
      ) : null}
      {mayChange ? (
        <button
          type="button"
          aria-label={`Delete ${visibleText(view.name)}`}
          title="Delete this view"
          onClick={() => void change('The view was not deleted', answerOf(deleteOneView({ id: view.id })))}
          className="rounded-sm p-1 text-ink-3 hover:text-ink"
        >
          <X size={14} aria-hidden />
        </button>
      ) : null}
    </li>
  );
}

type RenameProps = Pick<ListProps, 'change'> & { view: SavedView; onClose: () => void };

/** In place of the view's line. Escape closes it alone, not the popover. */
function RenameForm({ view, change, onClose }: RenameProps) {
  const [name, setName] = useState(view.name);

  async function save(event: FormEvent) {
    event.preventDefault();
    if (name.trim() === '') return;
    const isRenamed =
      name.trim() === view.name ||
      (await change('The view was not renamed', answerOf(renameOneView({ id: view.id, name }))));
    if (isRenamed) onClose();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    onClose();
  }

  return (
    <form
      onSubmit={(event) => void save(event)}
      onKeyDown={unlessComposing(onKeyDown)}
      className="flex items-center gap-1 px-1 py-0.5"
    >
      <Input
        aria-label={`New name of ${visibleText(view.name)}`}
        autoFocus
        maxLength={60}
        value={name}
        onChange={({ target }) => setName(target.value)}
        onFocus={({ target }) => target.select()}
      />
      <button
        type="submit"
        aria-label="Rename"
        title="Rename"
        aria-disabled={name.trim() === ''}
        className="rounded-sm p-1 text-ink-2 hover:text-ink"
      >
        <Check size={14} aria-hidden />
      </button>
    </form>
  );
}

function pathOf({ query }: SavedView): string {
  return query === '' ? paths.sandboxes() : `${paths.sandboxes()}?${query}`;
}

const ViewInput = z.object({ name: z.string().trim().min(1, 'Enter a name.'), isShared: z.boolean() });

function SaveForm({ mayShare, onSaved }: { mayShare: boolean; onSaved: (views: SavedView[]) => void }) {
  const { values, change, refusal, isSending, form, submit } = useForm({
    initial: { name: '', isShared: false },
    schema: ViewInput,
    keptAs: 'view to save',
    send: async (view) => {
      const answer = await answerOf(saveOneView({ ...view, query: fleetPlace().search.slice(1) }));
      if (!answer?.ok) return answer?.error.message ?? 'The server could not be reached. Try again.';
      onSaved(answer.value);
      change('name', '');
      return null;
    },
  });
  return (
    <form {...form} className="flex flex-col gap-2 border-line border-t pt-2">
      <Field label="Save this view" error={refusal}>
        <Input
          placeholder="Name"
          maxLength={60}
          value={values.name}
          onChange={({ target }) => change('name', target.value)}
        />
      </Field>
      {mayShare ? (
        <label className="flex items-center gap-2">
          <Checkbox checked={values.isShared} onChange={({ target }) => change('isShared', target.checked)} />
          Share with the team
        </label>
      ) : null}
      <Button tone="primary" {...submit}>
        {isSending ? 'Saving…' : 'Save'}
      </Button>
    </form>
  );
}
