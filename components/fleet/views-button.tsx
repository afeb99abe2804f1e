'use client';

import { clsx } from 'clsx';
import { Home, X } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useRef, useState } from 'react';
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
import { type Role, roleSuffices } from '@/lib/access/roles';
import { type Answer, answerOf } from '@/lib/answer';
import type { Command } from '@/lib/palette/offers';
import { paths } from '@/lib/paths';
import { chooseStartView, deleteOneView, saveOneView } from '@/lib/views/actions';
import type { SavedView } from '@/lib/views/schema';
import { visibleText } from '@/lib/visible-text';

type Views = Answer<SavedView[]>;
type Props = { served: readonly SavedView[]; role: Role };

/** Filters saved under a name: one's own and the team's. One can be the start page. */
export function ViewsButton({ served, role }: Props) {
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
      onRun: () => setAnchor(button.current),
    },
  ]);

  async function change(title: string, call: Promise<Views | null>): Promise<boolean> {
    const answer = await call;
    if (answer?.ok) setViews(answer.value);
    else
      toast.error(title, {
        description: answer?.error.message ?? 'The server could not be reached. Try again.',
      });
    return answer?.ok === true;
  }

  return (
    <PopoverButton label="Views" buttonRef={button} anchor={anchor} onAnchor={setAnchor}>
      <div className="flex max-h-[60vh] flex-col gap-3 overflow-y-auto">
        <ViewList name="Mine" views={views.filter(({ isShared }) => !isShared)} {...{ role, change }} />
        <ViewList name="Team" views={views.filter(({ isShared }) => isShared)} {...{ role, change }} />
        {views.length === 0 ? (
          <p className="text-ink-2">Save the filter, sort order and columns on screen under a name.</p>
        ) : null}
        <SaveForm role={role} onSaved={setViews} />
      </div>
    </PopoverButton>
  );
}

type Change = (title: string, call: Promise<Views | null>) => Promise<boolean>;
type ListProps = { name: string; views: readonly SavedView[]; role: Role; change: Change };

function ViewList({ name, views, role, change }: ListProps) {
  const router = useRouter();
  if (views.length === 0) return null;
  return (
    <section aria-label={name}>
      <h3 className="text-ink-3 text-small">{name}</h3>
      <ul className="-mx-1">
        {views.map((view) => (
          <li key={view.id} className="flex items-center gap-1 rounded-sm px-1 hover:bg-hover">
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
                view.isStart
                  ? 'Your start page. Click to start with all sandboxes.'
                  : 'Make it your start page'
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
            {view.isMine || roleSuffices(role, 'admin') ? (
              <button
                type="button"
                aria-label={`Delete ${visibleText(view.name)}`}
                title="Delete this view"
                onClick={() =>
                  void change('The view was not deleted', answerOf(deleteOneView({ id: view.id })))
                }
                className="rounded-sm p-1 text-ink-3 hover:text-ink"
              >
                <X size={14} aria-hidden />
              </button>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

function pathOf({ query }: SavedView): string {
  return query === '' ? paths.sandboxes() : `${paths.sandboxes()}?${query}`;
}

const ViewInput = z.object({ name: z.string().trim().min(1, 'Enter a name.'), isShared: z.boolean() });

function SaveForm({ role, onSaved }: { role: Role; onSaved: (views: SavedView[]) => void }) {
  const mayShare = roleSuffices(role, 'operator');
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
