import { expect, it } from 'vitest';
import { setUpDataDir } from '../test-support/environment';
import { ALL, someone } from '../test-support/people';
import { diagnosticsOf, readAbout } from './about';

setUpDataDir();
const SECRETS = ['s3cret-key-of-at-least-32-characters', 'token-of-16-characters', 'password-in-address'];
Object.assign(process.env, {
  SANDKEEPER_SECRET_KEY: SECRETS[0],
  SANDKEEPER_SIGN_IN_TOKEN: SECRETS[1],
  DATABASE_URL: `postgres://user:${SECRETS[2]}@db.example/sandkeeper`,
  SANDKEEPER_BULK_LIMIT: '77',
});

it('says which value is in force and where it comes from', () => {
  const { limits, details } = readAbout(ALL);
  expect(limits).toContainEqual({
    name: 'SANDKEEPER_BULK_LIMIT',
    title: 'Largest operation',
    value: '77 sandboxes',
    source: 'environment',
  });
  expect(limits.find(({ name }) => name === 'SANDKEEPER_PROTECTED_KEY')).toMatchObject({
    value: 'protected',
    source: 'default',
  });
  expect(details).toMatchObject({ database: 'PostgreSQL' });
});

it('contains no secret', () => {
  const about = readAbout(ALL);
  const text = `${JSON.stringify(about)}${diagnosticsOf(about)}`;
  for (const secret of SECRETS) expect(text).not.toContain(secret);
  expect(text).toContain('SANDKEEPER_SECRET_KEY');
});

it('shows the settings of the server to admins of everything alone', () => {
  const onOne = { everywhere: null, on: { local: 'admin' } } as const;
  for (const grants of [someone('vi', 'viewer').grants, someone('oli', 'operator').grants, onOne])
    expect(readAbout(grants).details).toBeNull();
});
