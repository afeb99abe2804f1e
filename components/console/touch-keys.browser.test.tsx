import { useEffect, useRef, useState } from 'react';
import { expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { PageTerminal } from '@/lib/console/terminal';
import '@xterm/xterm/css/xterm.css';
import { TouchKeys } from './touch-keys';

const typed: string[] = [];
const nothing = () => {};

/** A terminal that types into `typed`. */
function Console() {
  const box = useRef<HTMLDivElement>(null);
  const [terminal, setTerminal] = useState<PageTerminal | null>(null);
  const [isCtrl, setIsCtrl] = useState(false);
  useEffect(() => {
    if (box.current === null) return;
    const host = {
      onInput: (bytes: Uint8Array) => typed.push(new TextDecoder().decode(bytes)),
      onCtrl: setIsCtrl,
      ...{ onResize: nothing, onTitle: nothing, onPaste: nothing, onLink: nothing, onFind: nothing },
      ...{ onFound: nothing, onLeave: nothing, onZoom: nothing, formatBytes: String },
    };
    void PageTerminal.open(box.current, host, 13).then((opened) => {
      opened.setReadOnly(false);
      opened.focus();
      setTerminal(opened);
    });
  }, []);
  return (
    <div>
      <div ref={box} style={{ width: 300, height: 120 }} />
      {terminal === null ? null : (
        <TouchKeys
          isCtrl={isCtrl}
          onCtrl={(isOn) => terminal.setCtrl(isOn)}
          onKey={(key) => terminal.press(key)}
        />
      )}
    </div>
  );
}

it('types the keys that a touch screen lacks, and holds Ctrl for one key', async () => {
  await page.viewport(390, 700);
  await render(<Console />);
  const keys = page.getByRole('toolbar', { name: 'Terminal keys', includeHidden: true });
  await expect.element(keys).toBeInTheDocument();
  // This machine has a mouse.
  keys.element().setAttribute('style', 'display: flex');
  const key = (name: string) => page.getByRole('button', { name, exact: true });
  const ctrl = page.getByRole('button', { name: /^Ctrl/ });
  const input = page.getByRole('textbox', { name: 'Terminal input' });
  await key('Escape').click();
  await key('Up').click();
  await ctrl.click();
  await expect.element(ctrl).toHaveAttribute('aria-pressed', 'true');
  // The keyboard on the screen stays, because the focus does.
  await expect.element(input).toHaveFocus();
  await userEvent.keyboard('c');
  await expect.element(ctrl).toHaveAttribute('aria-pressed', 'false');
  await userEvent.keyboard('c');
  await ctrl.click();
  await key('Left').click();
  await key('Tab').click();
  expect(typed).toEqual(['\x1b', '\x1b[A', '\x03', 'c', '\x1b[1;5D', '\t']);
});
