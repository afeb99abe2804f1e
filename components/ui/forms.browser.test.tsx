import { useState } from 'react';
import { expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { z } from 'zod';
import { Button } from './button';
import { Checkbox } from './checkbox';
import { Field, Input } from './field';
import { useForm } from './use-form';

const schema = z.object({ name: z.string().trim().min(1, 'Type a name.') });

type Send = (values: { name: string }) => Promise<string | null> | string | null;

function NameForm({ send, unavailable = null }: { send: Send; unavailable?: string | null }) {
  const { values, change, errors, refusal, form, submit } = useForm({
    initial: { name: '' },
    schema,
    unavailable,
    send,
  });
  return (
    <>
      <form {...form}>
        <Field label="Name" hint="Shown in the list." error={values.name === '' ? null : errors.name}>
          <Input value={values.name} onChange={({ target }) => change('name', target.value)} />
        </Field>
      </form>
      {refusal === null ? null : <p role="alert">{refusal}</p>}
      <Button {...submit}>Create</Button>
    </>
  );
}

const name = page.getByLabelText('Name');
const create = page.getByRole('button', { name: 'Create' });

it('describes an input by its hint, and by its error instead', async () => {
  await render(<NameForm send={() => null} />);
  await expect.element(name).toHaveAccessibleDescription('Shown in the list.');
  await expect.element(name).toHaveAttribute('aria-invalid', 'false');
  await name.fill('  ');
  await expect.element(name).toHaveAccessibleDescription('Type a name.');
  await expect.element(name).toHaveAttribute('aria-invalid', 'true');
  await expect.element(page.getByRole('alert')).toHaveTextContent('Type a name.');
});

it('sends parsed values once, by Enter or by a button outside the form', async () => {
  let finish: (message: string | null) => void = () => {};
  const send = vi.fn<Send>(
    () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  );
  await render(<NameForm send={send} />);
  await expect.element(create).toHaveAccessibleDescription('Type a name.');
  await name.fill(' ana ');
  await userEvent.keyboard('{Enter}');
  await expect.element(create).toHaveAttribute('aria-disabled', 'true');
  await create.click({ force: true });
  // The button of this form has no value of its own.
  expect(send.mock.calls).toEqual([[{ name: 'ana' }, '']]);
  finish('The name is taken.');
  await expect.element(page.getByRole('alert')).toHaveTextContent('The name is taken.');
  await create.click();
  await expect.element(page.getByRole('alert')).not.toBeInTheDocument();
  expect(send).toHaveBeenCalledTimes(2);
  finish(null);
});

it('sends nothing while the form is invalid or unavailable', async () => {
  const send = vi.fn<Send>(() => null);
  const { rerender } = await render(<NameForm send={send} />);
  await name.click();
  await userEvent.keyboard('{Enter}');
  await create.click({ force: true });
  await rerender(<NameForm send={send} unavailable="Not connected." />);
  await name.fill('ana');
  await userEvent.keyboard('{Enter}');
  await create.click({ force: true });
  await expect.element(create).toHaveAccessibleDescription('Not connected.');
  expect(send).not.toHaveBeenCalled();
});

it('keeps a checkbox indeterminate through a click that its owner answers with the same state', async () => {
  function All() {
    const [clicks, setClicks] = useState(0);
    return (
      <>
        <Checkbox aria-label="All" checked={false} isIndeterminate onChange={() => setClicks(clicks + 1)} />
        <output>{clicks}</output>
      </>
    );
  }
  await render(<All />);
  const checkbox = page.getByRole('checkbox', { name: 'All' });
  await expect.element(checkbox).toBePartiallyChecked();
  await checkbox.click();
  await expect.element(page.getByRole('status')).toHaveTextContent('1');
  await expect.element(checkbox).toBePartiallyChecked();
});

it('draws native controls in the colours of the theme', async () => {
  await render(
    <>
      <input type="radio" className="radio" aria-label="Radio" defaultChecked />
      <progress aria-label="Progress" value={1} max={2} />
    </>,
  );
  const radio = page.getByLabelText('Radio').element();
  const progress = page.getByLabelText('Progress').element();
  const { dataset } = document.documentElement;
  const colours = ['light', 'dark'].map((theme) => {
    dataset.theme = theme;
    return [getComputedStyle(radio).borderColor, getComputedStyle(progress).backgroundColor];
  });
  delete dataset.theme;
  expect(colours).toEqual([
    ['rgb(11, 110, 102)', 'rgb(232, 228, 220)'],
    ['rgb(76, 194, 180)', 'rgb(43, 41, 36)'],
  ]);
  for (const control of [radio, progress]) expect(getComputedStyle(control).appearance).toBe('none');
});
