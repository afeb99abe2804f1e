'use client';

import { z } from 'zod';
import { usePerson } from '@/components/data/use-person';
import { useRefresh } from '@/components/data/use-url-state';
import { Button } from '@/components/ui/button';
import { Fact } from '@/components/ui/fact-list';
import { Field, Input } from '@/components/ui/field';
import { Section } from '@/components/ui/section';
import { Select } from '@/components/ui/select';
import { Alert } from '@/components/ui/strip';
import { THEME_NAMES, THEMES, type Theme } from '@/components/ui/theme';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/ui/use-form';
import { chooseTheme, useTheme } from '@/components/ui/use-theme';
import { Visible } from '@/components/ui/visible-text';
import { changeOwnName } from '@/lib/access/profile/actions';
import { MAX_OWN_NAME_CHARS, OwnName } from '@/lib/access/profile/schema';
import { answerOf } from '@/lib/answer';
import type { Grants } from '@/lib/grants';

const Named = z.object({ name: OwnName });

type Props = {
  /** How this session was opened. */
  signedIn: string;
  /** The titles of connections by name. */
  titles: Readonly<Record<string, string>>;
  theme: Theme;
};

/** Who one is here: the name, the roles, and the look of the pages. */
export function ProfileSection({ signedIn, titles, theme }: Props) {
  const { actor, grants } = usePerson();
  const current = useTheme(theme);
  const refresh = useRefresh();
  const { values, change, errors, refusal, isSending, form, submit } = useForm({
    initial: { name: actor },
    schema: Named,
    send: async ({ name }) => {
      const answer = await answerOf(changeOwnName({ name }));
      if (!answer?.ok) return answer?.error.message ?? 'The server could not be reached. Try again.';
      toast.success('Changed your name');
      refresh();
      return null;
    },
  });
  return (
    <Section title="You">
      <form {...form} autoComplete="off" className="flex flex-col gap-3 border-line-soft border-b px-4 py-3">
        <Field
          label="Name"
          error={errors.name}
          hint="Colleagues see it beside what you do. Records keep the name of their time."
        >
          <Input
            value={values.name}
            autoComplete="name"
            maxLength={MAX_OWN_NAME_CHARS}
            onChange={(event) => change('name', event.target.value)}
            className="max-w-sm"
          />
        </Field>
        {refusal === null ? null : <Alert>{refusal}</Alert>}
        <div>
          <Button
            {...submit}
            unavailable={values.name.trim() === actor ? 'The name is unchanged.' : submit.unavailable}
          >
            {isSending ? 'Saving…' : 'Save name'}
          </Button>
        </div>
      </form>
      <dl>
        <Fact name="This session">{signedIn}</Fact>
        <Fact name="Roles">
          <ul>
            {rolesOf(grants, titles).map(([place, role]) => (
              <li key={place}>
                <Visible text={place} />: {role}
              </li>
            ))}
          </ul>
        </Fact>
        <Fact name="Theme">
          <Select
            label="Theme"
            value={current}
            isPlain
            options={THEMES.map((value) => ({ value, label: THEME_NAMES[value] }))}
            onChange={chooseTheme}
          />
        </Fact>
      </dl>
    </Section>
  );
}

function rolesOf({ everywhere, on }: Grants, titles: Props['titles']): (readonly [string, string])[] {
  return [
    ...(everywhere === null ? [] : [['All connections', everywhere] as const]),
    ...Object.entries(on).map(([name, role]) => [titles[name] ?? name, role] as const),
  ];
}
