import { afterEach, beforeEach, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-react';
import { z } from 'zod';
import { SignInForm } from '@/components/access/sign-in-form';
import { forgetTyped } from '@/lib/kept-text';
import { Button } from './button';
import { Field, Input } from './field';
import { useForm } from './use-form';
import { useKept } from './use-kept';

const schema = z.object({ name: z.string(), isShared: z.boolean() });

function NameForm({
  of = 'i1',
  isOpen = true,
  answer = null,
}: {
  of?: string;
  isOpen?: boolean;
  answer?: string | null;
}) {
  const { values, change, form, submit } = useForm({
    initial: { name: '', isShared: false },
    schema,
    keptAs: isOpen ? `name of ${of}` : null,
    send: () => answer,
  });
  return (
    <form {...form}>
      <Field label="Name">
        <Input value={values.name} onChange={({ target }) => change('name', target.value)} />
      </Field>
      <Button {...submit}>Save</Button>
    </form>
  );
}

const name = page.getByLabelText('Name');
const save = page.getByRole('button', { name: 'Save' });

/** What a reload does to the page and to its storage. The modules of a test are not loaded again. */
async function reload(): Promise<void> {
  window.dispatchEvent(new PageTransitionEvent('pagehide'));
  await cleanup();
  window.dispatchEvent(new PageTransitionEvent('pageshow'));
}

const stored = () => Object.values({ ...sessionStorage }).join('\n');

beforeEach(() => sessionStorage.clear());
afterEach(() => sessionStorage.clear());

it('restores what was typed once, and only what was typed', async () => {
  await render(<NameForm />);
  await reload();
  expect(stored()).toBe('');
  await render(<NameForm />);
  await name.fill('ünsent');
  await reload();
  expect(stored()).toContain('ünsent');
  await render(<NameForm />);
  await expect.element(name).toHaveValue('ünsent');
  expect(stored()).toBe('');
  // It is typed text again.
  await reload();
  await render(<NameForm />);
  await expect.element(name).toHaveValue('ünsent');
  await name.fill('');
  await reload();
  await render(<NameForm />);
  await expect.element(name).toHaveValue('');
});

it('restores nothing for another target, at another address, or after an hour', async () => {
  await render(<NameForm />);
  await name.fill('typed');
  await reload();
  await render(<NameForm of="i2" />);
  await expect.element(name).toHaveValue('');
  await cleanup();
  const { pathname } = window.location;
  window.history.pushState(null, '', '/elsewhere');
  await render(<NameForm />);
  await expect.element(name).toHaveValue('');
  await cleanup();
  window.history.pushState(null, '', pathname);
  for (const [key, text] of Object.entries({ ...sessionStorage }))
    sessionStorage.setItem(key, text.replace(/"atMs":\d+/, `"atMs":${Date.now() - 3_600_000}`));
  await render(<NameForm />);
  await expect.element(name).toHaveValue('');
});

it('drops what was sent, but not what was refused', async () => {
  await render(<NameForm answer="The name is taken." />);
  await name.fill('taken');
  await save.click();
  await reload();
  await render(<NameForm />);
  await expect.element(name).toHaveValue('taken');
  await save.click();
  await reload();
  expect(stored()).toBe('');
});

it('drops what a person discards by closing or leaving', async () => {
  const { rerender } = await render(<NameForm />);
  await name.fill('cancelled');
  await rerender(<NameForm isOpen={false} />);
  await reload();
  expect(stored()).toBe('');
  await render(<NameForm />);
  await name.fill('left');
  await cleanup();
  await reload();
  expect(stored()).toBe('');
});

it('takes only what has the type of the field, as another version may have written it', async () => {
  await render(<NameForm />);
  await name.fill('old');
  await reload();
  for (const [key, text] of Object.entries({ ...sessionStorage }))
    sessionStorage.setItem(key, text.replace('"old"', '{"first":"old"}'));
  await render(<NameForm />);
  await expect.element(name).toHaveValue('');
  await reload();
  await render(<NameForm />);
  await name.fill('old');
  await reload();
  for (const key of Object.keys({ ...sessionStorage })) sessionStorage.setItem(key, 'no JSON');
  await render(<NameForm />);
  await expect.element(name).toHaveValue('');
});

it('never writes a token of a sign-in', async () => {
  await render(<SignInForm field="code-or-token" next={null} />);
  await page.getByLabelText('Token').fill('a-secret-token');
  await reload();
  expect(stored()).not.toContain('a-secret-token');
});

it('keeps nothing after the session has ended', async () => {
  function Note() {
    const [text, setText] = useKept('note', '');
    return <input aria-label="Note" value={text} onChange={({ target }) => setText(target.value)} />;
  }
  await render(<Note />);
  await userEvent.type(page.getByLabelText('Note'), 'mine');
  await reload();
  expect(stored()).toContain('mine');
  forgetTyped();
  expect(stored()).toBe('');
  await render(<Note />);
  await userEvent.type(page.getByLabelText('Note'), 'more');
  await reload();
  expect(stored()).toBe('');
});
