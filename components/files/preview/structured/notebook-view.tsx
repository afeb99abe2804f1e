'use client';

import { useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Visible } from '@/components/ui/visible-text';
import { renderRefusal } from '@/lib/files/preview/structured/markdown-bounds';
import { type CellOutput, type NotebookCell, readNotebook } from '@/lib/files/preview/structured/notebook';
import { newDecoder } from '@/lib/files/preview/text/encoding';
import type { PreviewProps } from '../preview-props';
import { PreviewNotice } from '../preview-state';
import { CodeText } from '../text/code-text';
import { PlainText } from '../text/plain-text';
import { useWhole } from '../use-whole';
import { WholeFrame } from '../whole-frame';
import { LinkStrip, MarkdownText } from './markdown-view';
import { ImagePlace } from './sibling-image';

const PAGE_CELLS = 100;
const MAX_RENDERED_CHARS = 64 * 1024;

/** The cells of a notebook. Outputs are only text and images. */
export function NotebookView(props: PreviewProps) {
  const { encoding, isLive, onInstead } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [count, setCount] = useState(PAGE_CELLS);
  const [link, setLink] = useState<string | null>(null);
  const whole = useWhole(props, {
    view: 'cells',
    scroller,
    parse: async (bytes) => ({ notebook: readNotebook(newDecoder(encoding).decode(bytes)) }),
  });
  return (
    <WholeFrame whole={whole} isLive={isLive}>
      {({ notebook }) =>
        notebook === null ? (
          <PreviewNotice
            title="Not a notebook"
            acts={<Button onClick={() => onInstead('text')}>Show as text</Button>}
          >
            <p>The file has no cells. It may have an old format, be damaged, or still be written.</p>
          </PreviewNotice>
        ) : (
          <>
            {link === null ? null : <LinkStrip href={link} onClose={() => setLink(null)} />}
            <div
              ref={scroller}
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
              tabIndex={0}
              role="group"
              aria-label="Cells"
              className="min-h-0 flex-1 overflow-auto px-5 py-4"
            >
              <ImagePlace value={props}>
                <ol className="flex max-w-4xl flex-col gap-4">
                  {notebook.cells.slice(0, count).map((cell, index) => (
                    <li
                      // biome-ignore lint/suspicious/noArrayIndexKey: cells have no other key.
                      key={index}
                      className="flex gap-3"
                      style={{ contentVisibility: 'auto', containIntrinsicSize: 'auto 120px' }}
                    >
                      <Cell cell={cell} language={notebook.language} onLink={setLink} />
                    </li>
                  ))}
                </ol>
              </ImagePlace>
              {notebook.cells.length === 0 ? <p className="text-ink-2">This notebook has no cells.</p> : null}
              {notebook.cells.length > count ? (
                <Button className="mt-4" onClick={() => setCount(count + PAGE_CELLS)}>
                  Show more ({notebook.cells.length.toLocaleString('en')} cells)
                </Button>
              ) : null}
            </div>
          </>
        )
      }
    </WholeFrame>
  );
}

type CellProps = { cell: NotebookCell; language: string | null; onLink: (href: string) => void };

function Cell({ cell, language, onLink }: CellProps) {
  const { kind, source, count, outputs } = cell;
  const isRendered =
    kind === 'markdown' && source.length <= MAX_RENDERED_CHARS && renderRefusal(source) === null;
  return (
    <>
      <span translate="no" className="w-12 shrink-0 pt-2 text-right font-mono text-ink-3 text-small">
        {kind === 'code' ? `[${count ?? ' '}]` : ''}
      </span>
      <div className="min-w-0 flex-1">
        {isRendered ? (
          <MarkdownText text={source} onLink={onLink} />
        ) : (
          <div className="rounded-md border border-line bg-surface">
            <PlainText text={source} label="Source">
              {(shown) => <CodeText text={shown} language={kind === 'code' ? language : null} />}
            </PlainText>
          </div>
        )}
        {outputs.map((output, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: outputs have no other key.
          <Output key={index} output={output} />
        ))}
      </div>
    </>
  );
}

function Output({ output }: { output: CellOutput }) {
  if (output.kind === 'image')
    return (
      // biome-ignore lint/performance/noImgElement: a data URL cannot be optimized.
      <img src={output.src} alt="Cell output" className="checkered mt-2 max-w-full" />
    );
  if (output.kind === 'left-out')
    return (
      <p className="mt-2 text-ink-3 text-small">
        Output of type <Visible text={output.what.slice(0, 80)} className="font-mono" /> is not shown, because
        it could run code.
      </p>
    );
  return (
    <div className={output.isError ? 'mt-2 rounded-md bg-paused-soft' : 'mt-2'}>
      <PlainText text={output.text} label={output.isError ? 'Errors' : 'Output'} />
    </div>
  );
}
