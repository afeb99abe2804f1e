'use client';

import { Field, Input } from '@/components/ui/field';
import { Select } from '@/components/ui/select';
import { KIND_TITLES, SERVICE_KINDS, SERVICES } from '@/lib/connection';
import type { draftOf } from '@/lib/settings/connection-draft';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';
import { keyText } from './connection-badge';

type Values = ReturnType<typeof draftOf>;

type Props = {
  values: Values;
  errors: { readonly [Name in keyof Values]?: string };
  change: (name: keyof Values, value: string) => void;
  /** `null`: a new connection. */
  edited: ConnectionFacts | null;
};

export const FIELD_LABELS = {
  kind: 'Kind',
  name: 'Name',
  title: 'Title',
  label: 'Label',
  apiUrl: 'API address',
  domain: 'Sandbox domain',
  sandboxUrl: 'Sandbox address',
  teamId: 'Team ID',
  key: 'API key',
} satisfies Record<keyof Values, string>;

/** The fields of a connection. An error shows once something is entered; before that, the button says what is missing. */
export function ConnectionFieldset({ values, errors, change, edited }: Props) {
  const kind = SERVICE_KINDS.find((each) => each === values.kind) ?? SERVICE_KINDS[0];
  const { apiUrl, domain, keyPrefix } = SERVICES[kind];
  const text = (name: Exclude<keyof Values, 'kind'>, props: React.ComponentProps<'input'> = {}) => (
    <Input
      spellCheck={false}
      value={values[name]}
      onChange={(event) => change(name, event.target.value)}
      {...props}
    />
  );
  const error = (name: keyof Values) => (values[name] === '' ? null : errors[name]);
  const keyHint =
    edited === null || errors.key !== undefined
      ? 'Stored encrypted. It is never shown again.'
      : `Leave it empty to keep ${keyText(edited)}. A new API address needs the key again.`;
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={FIELD_LABELS.kind}>
        <Select
          isPlain
          label={FIELD_LABELS.kind}
          value={kind}
          options={SERVICE_KINDS.map((each) => ({ value: each, label: KIND_TITLES[each] }))}
          onChange={(next) => change('kind', next)}
        />
      </Field>
      {edited === null ? (
        <Field
          label={FIELD_LABELS.name}
          error={error('name')}
          hint="Stands in addresses and records. It never changes."
        >
          {text('name', { required: true, maxLength: 32, placeholder: 'prod-eu' })}
        </Field>
      ) : (
        <div className="max-sm:hidden" />
      )}
      <Field
        label={FIELD_LABELS.apiUrl}
        error={error('apiUrl')}
        hint={apiUrl === undefined ? 'Where the API of the service is.' : 'Leave it empty for the usual one.'}
      >
        {text('apiUrl', {
          inputMode: 'url',
          required: apiUrl === undefined,
          placeholder: apiUrl ?? 'https://api.example.com',
        })}
      </Field>
      <Field label={FIELD_LABELS.key} error={error('key')} hint={keyHint}>
        {text('key', {
          type: 'password',
          autoComplete: 'off',
          required: edited === null,
          placeholder: keyPrefix === undefined ? undefined : `${keyPrefix}…`,
        })}
      </Field>
      <Field label={FIELD_LABELS.title} error={error('title')} hint="Shown instead of the name.">
        {text('title', { maxLength: 60, placeholder: 'Production EU' })}
      </Field>
      <Field label={FIELD_LABELS.label} error={error('label')} hint="Up to 8 characters for badges.">
        {text('label', { maxLength: 8, placeholder: 'EU' })}
      </Field>
      <Field
        label={FIELD_LABELS.domain}
        error={error('domain')}
        hint="Sandboxes are at https://PORT-ID.DOMAIN."
      >
        {text('domain', { placeholder: domain ?? 'example.com' })}
      </Field>
      <Field
        label={FIELD_LABELS.sandboxUrl}
        error={error('sandboxUrl')}
        hint="Instead of a domain, if one address serves all sandboxes."
      >
        {text('sandboxUrl', { inputMode: 'url' })}
      </Field>
      <Field
        label={FIELD_LABELS.teamId}
        error={error('teamId')}
        hint="Needed for the metrics of a team at E2B."
      >
        {text('teamId')}
      </Field>
    </div>
  );
}
