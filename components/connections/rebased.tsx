import { Visible } from '@/components/ui/visible-text';
import type { rebase } from '@/lib/settings/connection-draft';
import { FIELD_LABELS } from './connection-fieldset';

type Props = Pick<ReturnType<typeof rebase>, 'own' | 'contested'>;

const WORDS = new Intl.ListFormat('en', { type: 'conjunction' });

/** Says that the form is based on the present state now, and which entries are the person's own. */
export function Rebased({ own, contested }: Props) {
  const names = WORDS.format(own.map((name) => FIELD_LABELS[name]));
  return (
    <div role="status" className="rounded-md border border-line bg-surface px-3 py-2">
      <p>
        The present state is loaded.{' '}
        {own.length === 0 ? 'It has what you typed already.' : `Your own: ${names}. Check it, then save.`}
      </p>
      {contested.map(({ name, theirs }) => (
        <p key={name} className="text-ink-2">
          {FIELD_LABELS[name]} is now{' '}
          {theirs === '' ? 'empty' : <Visible text={`“${theirs}”`} className="wrap-anywhere" />}. Saving
          replaces it by yours.
        </p>
      ))}
    </div>
  );
}
