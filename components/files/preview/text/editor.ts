import { defaultKeymap } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { Compartment, EditorState, type Extension, type TransactionSpec } from '@codemirror/state';
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  MatchDecorator,
  ViewPlugin,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { HOLE } from '@/lib/files/preview/text/text-pieces';
import { INVISIBLE_CHARACTERS, visibleParts } from '@/lib/visible-text';
import type { languageOf } from './languages';

/** Uses the design tokens, so that it works in both themes. */
const THEME = EditorView.theme({
  '&': { height: '100%', fontSize: '12.5px', color: 'var(--ink)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: '"Geist Mono Variable", ui-monospace, monospace',
    fontFeatureSettings: '"zero"',
    fontVariantLigatures: 'none',
    lineHeight: '20px',
    overflow: 'auto',
  },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--accent)', tabSize: '4' },
  '.cm-line': { padding: '0 20px 0 14px' },
  '.cm-gutters': { backgroundColor: 'var(--bg)', color: 'var(--ink-3)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 6px 0 20px', minWidth: '52px', cursor: 'pointer' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--selected) 60%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 26%, transparent)',
  },
  '.cm-cursor': { borderLeftColor: 'var(--accent)' },
  '.cm-found': { backgroundColor: 'color-mix(in srgb, var(--paused) 30%, transparent)', borderRadius: '2px' },
  '.cm-sign': {
    backgroundColor: 'var(--paused-soft)',
    color: 'var(--paused)',
    borderRadius: '2px',
    unicodeBidi: 'isolate',
  },
});

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.tagName, tags.operatorKeyword, tags.atom, tags.bool], color: 'var(--accent)' },
  { tag: [tags.string, tags.regexp, tags.special(tags.string)], color: 'var(--running)' },
  { tag: [tags.comment, tags.meta], color: 'var(--ink-3)' },
  { tag: [tags.number, tags.literal], color: 'var(--paused)' },
  { tag: [tags.heading, tags.strong], fontWeight: '600' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.inserted, color: 'var(--running)' },
  { tag: tags.deleted, color: 'var(--danger)' },
]);

const HOLE_SIGN = { text: '[zero bytes]', standsFor: 'A hole in the file: nothing but zero bytes' };

function signOf(code: number): HTMLElement {
  const character = String.fromCodePoint(code);
  const [part] = character === HOLE ? [HOLE_SIGN] : visibleParts(character);
  const sign = document.createElement('span');
  sign.className = 'cm-sign';
  sign.textContent = part?.text ?? '�';
  sign.title = part?.standsFor ?? '';
  sign.setAttribute('aria-label', part?.standsFor ?? 'invisible character');
  return sign;
}

const FOUND = Decoration.mark({ class: 'cm-found' });

function highlightMatches(pattern: RegExp): Extension {
  const decorator = new MatchDecorator({ regexp: pattern, decoration: FOUND });
  return ViewPlugin.define(
    (view) => ({
      places: decorator.createDeco(view),
      update(update) {
        this.places = decorator.updateDeco(update, this.places);
      },
    }),
    { decorations: (plugin) => plugin.places },
  );
}

/** The theme, the colours of code, and signs for invisible characters. */
export function textLook(): Extension {
  return [
    highlightSpecialChars({
      specialChars: INVISIBLE_CHARACTERS,
      addSpecialChars: new RegExp(HOLE, 'u'),
      render: signOf,
    }),
    drawSelection(),
    syntaxHighlighting(COLOURS),
    THEME,
  ];
}

type EditorOptions = {
  parent: HTMLElement;
  label: string;
  wraps: boolean;
  /** The gutter text of a loaded line. */
  numberOf: (line: number) => string;
  onNumber: (line: number) => void;
  onCursor: () => void;
  keys: readonly { key: string; run: () => boolean }[];
};

/** A read-only text editor with changeable wrapping, language and highlights. */
export class TextEditor {
  readonly view: EditorView;
  readonly #wrapping = new Compartment();
  readonly #language = new Compartment();
  readonly #marks = new Compartment();
  readonly #numbers = new Compartment();
  readonly #options: EditorOptions;

  constructor(options: EditorOptions) {
    this.#options = options;
    this.view = new EditorView({
      parent: options.parent,
      state: EditorState.create({
        extensions: [
          // A lone carriage return is not a line end, as in other tools.
          EditorState.lineSeparator.of('\n'),
          EditorState.readOnly.of(true),
          EditorView.contentAttributes.of({
            'aria-label': options.label,
            inputmode: 'none',
            // The keyboard gets there without it, but accessibility tools look for it in a part that scrolls.
            tabindex: '0',
            translate: 'no',
          }),
          this.#numbers.of(this.#gutter()),
          textLook(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          keymap.of([...options.keys, ...defaultKeymap]),
          this.#wrapping.of(options.wraps ? EditorView.lineWrapping : []),
          this.#language.of([]),
          this.#marks.of([]),
          EditorView.updateListener.of(({ selectionSet }) => {
            if (selectionSet) options.onCursor();
          }),
        ],
      }),
    });
  }

  wrap(wraps: boolean): void {
    this.view.dispatch({ effects: this.#wrapping.reconfigure(wraps ? EditorView.lineWrapping : []) });
  }

  async setLanguage(language: NonNullable<ReturnType<typeof languageOf>>): Promise<void> {
    const parser = await language.load();
    this.view.dispatch({ effects: this.#language.reconfigure(StreamLanguage.define(parser)) });
  }

  highlight(pattern: RegExp | null): void {
    this.view.dispatch({
      effects: this.#marks.reconfigure(pattern === null ? [] : highlightMatches(pattern)),
    });
  }

  renumber(): void {
    this.view.dispatch({ effects: this.#numbers.reconfigure(this.#gutter()) });
  }

  #gutter(): Extension {
    const { numberOf, onNumber } = this.#options;
    return lineNumbers({
      formatNumber: (line) => numberOf(line),
      domEventHandlers: {
        click: (view, block) => {
          onNumber(view.state.doc.lineAt(block.from).number);
          return true;
        },
      },
    });
  }
}

/**
 * Applies `change`. While the editor is out of sight, CodeMirror treats the inserted text as visible, which for short lines
 * means hundreds of thousands of elements. A new state draws one screenful.
 */
export function changeText(view: EditorView, change: TransactionSpec): void {
  if (view.inView) view.dispatch(change);
  else view.setState(view.state.update(change).state);
}
