import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { indentUnit, StreamLanguage } from '@codemirror/language';
import { Compartment, EditorState } from '@codemirror/state';
import {
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { textLook } from '../preview/text/editor';
import type { languageOf } from '../preview/text/languages';

type EditEditorOptions = {
  parent: HTMLElement;
  label: string;
  text: string;
  wraps: boolean;
  language: ReturnType<typeof languageOf>;
  onSave: () => void;
  onText: (text: string) => void;
};

/** Opens an editor with the focus and returns a function that closes it. */
export function openEditEditor({
  parent,
  label,
  text,
  wraps,
  language,
  ...on
}: EditEditorOptions): () => void {
  const highlighting = new Compartment();
  const save = () => {
    on.onSave();
    return true;
  };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        // Any other line end is kept as a character.
        EditorState.lineSeparator.of('\n'),
        EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0', translate: 'no' }),
        lineNumbers(),
        history(),
        textLook(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        indentUnit.of(indentOf(text)),
        keymap.of([
          { key: 'Mod-s', run: save, preventDefault: true },
          ...historyKeymap,
          ...defaultKeymap,
          indentWithTab,
        ]),
        wraps ? EditorView.lineWrapping : [],
        highlighting.of([]),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) on.onText(state.doc.toString());
        }),
      ],
    }),
  });
  view.focus();
  // Highlighting is optional.
  language
    ?.load()
    .then((parser) => view.dispatch({ effects: highlighting.reconfigure(StreamLanguage.define(parser)) }))
    .catch(() => {});
  return () => view.destroy();
}

/** The indentation that the text already uses. */
function indentOf(text: string): string {
  return /^(\t| {2,8})(?=\S)/m.exec(text)?.[1] ?? '  ';
}
