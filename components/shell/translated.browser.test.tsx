import { beforeAll, expect, it } from 'vitest';
import { render } from 'vitest-browser-react';
import { tolerateForeignChanges } from '@/lib/foreign-dom';

beforeAll(tolerateForeignChanges);

/** Texts beside each other, texts that come and go, and elements that are inserted before a text. */
function Panel({ running, paused, state }: { running: number; paused: number; state: string | null }) {
  return (
    <div data-testid="panel">
      {running} running · {paused} paused
      <p>
        {state === null ? 'Nothing known' : <strong>{state}</strong>} at {running}
      </p>
      {state}
      {state === null ? null : <button type="button">Resume</button>}
      {paused > 0 ? 'some are paused' : null}
    </div>
  );
}

function textsIn(root: Node): Text[] {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  return texts.filter((text) => text.data.trim() !== '');
}

function font(content: Node | string): HTMLElement {
  const element = document.createElement('font');
  element.append(content);
  return element;
}

const TRANSLATORS = {
  'replaces every text': (text: Text) => text.replaceWith(font(font(`«${text.data}»`))),
  'inserts a translation and removes the text': (text: Text) => {
    text.before(font(`«${text.data}»`));
    text.remove();
  },
  'wraps every text': (text: Text) => {
    const wrapper = font('');
    text.replaceWith(wrapper);
    wrapper.append(text);
  },
};

it.each(Object.entries(TRANSLATORS))(
  'keeps a page current that a translator which %s has changed',
  async (_name, translate) => {
    const screen = await render(<Panel running={6} paused={0} state={null} />);
    const panel = screen.getByTestId('panel').element();
    // A translator goes on as long as the page changes.
    const states = [
      { running: 9, paused: 1, state: 'Paused' },
      { running: 9, paused: 0, state: null },
      { running: 12, paused: 3, state: 'Running' },
    ];
    for (const next of states) {
      for (const text of textsIn(panel)) translate(text);
      // The observers of the page see it before React changes it.
      await Promise.resolve();
      await screen.rerender(<Panel {...next} />);
      await Promise.resolve();
      const expected = await render(<Panel {...next} />);
      const [, fresh] = document.querySelectorAll('[data-testid=panel]');
      expect(panel.textContent?.replace(/[«»]/g, '')).toBe(fresh?.textContent);
      await expected.unmount();
    }
  },
);
