'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { type FormEvent, type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { FilePath, Visible } from '@/components/ui/visible-text';
import { relativePath } from '@/lib/files/guest-path';
import type { FileHit, SearchPlace } from '@/lib/files/schema';
import { unlessComposing } from '@/lib/key-events';
import type { SandboxKey } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { UNADDRESSABLE } from '../browse/entry-words';
import { type SearchNow, useSearch } from './use-search';

const PLACES = { name: 'Names', content: 'Contents' } satisfies Record<SearchPlace, string>;
const MAX_TEXT_CHARS = 200;
const MORE_PX = 20;
const HIT_PX = { name: 28, content: 46 } satisfies Record<SearchPlace, number>;

type Props = {
  isOpen: boolean;
  sandboxKey: SandboxKey;
  folder: string;
  shownPath: string | null;
  onShow: (hit: FileHit) => void;
  onClose: () => void;
};

export function SearchPanel({ isOpen, sandboxKey, folder, shownPath, onShow, onClose }: Props) {
  const { now, start, stop } = useSearch(sandboxKey);
  const [text, setText] = useState('');
  const [place, setPlace] = useState<SearchPlace>('name');
  // A hidden search must not keep running in the sandbox.
  useEffect(() => {
    if (!isOpen) stop();
  }, [isOpen, stop]);
  if (!isOpen) return null;
  const isRunning = now?.state === 'running';

  function begin(event: FormEvent) {
    event.preventDefault();
    if (text !== '') start({ path: folder, text, place });
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    if (isRunning) stop();
    else onClose();
  }

  return (
    <section
      aria-label="Search"
      onKeyDown={unlessComposing(onKeyDown)}
      className="flex min-h-0 flex-1 flex-col"
    >
      <form onSubmit={begin} className="flex flex-col gap-2 border-line border-b p-3">
        <div className="flex gap-2">
          <input
            type="search"
            // biome-ignore lint/a11y/noAutofocus: the user opened it to type.
            autoFocus
            aria-label={place === 'name' ? 'Part of a name' : 'Text in files'}
            placeholder={place === 'name' ? 'Part of a name' : 'Text in files'}
            maxLength={MAX_TEXT_CHARS}
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.target.value)}
            className="h-8 min-w-0 flex-1 rounded-md border border-line bg-surface px-2.5 outline-none focus-visible:border-accent focus-visible:ring-2 focus-visible:ring-accent/25"
          />
          {isRunning ? (
            // Separate keys, or a click on Stop would also submit.
            <Button key="stop" onClick={stop}>
              Stop
            </Button>
          ) : (
            <Button
              key="search"
              type="submit"
              tone="primary"
              unavailable={text === '' ? 'Enter text to search for.' : null}
            >
              Search
            </Button>
          )}
          <Button onClick={onClose}>Close</Button>
        </div>
        <div className="flex min-w-0 items-center gap-3 text-small">
          <fieldset className="flex shrink-0 gap-3">
            <legend className="sr-only">Search in</legend>
            {Object.entries(PLACES).map(([key, name]) => (
              <label key={key} className="flex items-center gap-1.5">
                <input
                  type="radio"
                  name="place"
                  className="radio"
                  checked={place === key}
                  onChange={() => setPlace(key === 'name' ? 'name' : 'content')}
                />
                {name}
              </label>
            ))}
          </fieldset>
          <span className="flex min-w-0 gap-1.5 text-ink-3">
            in <FilePath path={folder} className="font-mono" />
          </span>
        </div>
      </form>
      {now === null ? (
        <p className="p-4 text-ink-3 text-small">
          Runs inside the sandbox for up to a minute and includes hidden files. Lowercase text also matches
          uppercase.
        </p>
      ) : (
        <>
          <p role="status" className="border-line-soft border-b px-4 py-1.5 text-ink-2 text-small">
            {searchText(now)}
          </p>
          <Hits now={now} shownPath={shownPath} onShow={onShow} />
        </>
      )}
    </section>
  );
}

function searchText({ input, hits, matches, state, cut, failure }: SearchNow): string {
  const shown = `${hits.length.toLocaleString('en')} found`;
  const all = [...matches].reduce(
    (sum, [path, many]) => sum + many - hits.filter((hit) => hit.path === path).length,
    hits.length,
  );
  const found = matches.size === 0 ? shown : `${all.toLocaleString('en')} found, ${hits.length} shown`;
  const query = `“${visibleText(input.text)}”`;
  if (state === 'running') return `Searching for ${query}… ${found}`;
  if (state === 'failed') return `${failure} ${found}.`;
  if (state === 'stopped') return `Stopped. ${found}. There may be more.`;
  if (cut === 'count') return `${found}, the maximum. Refine the text or search a subfolder.`;
  if (cut === 'time') return `${found} within the time limit. Search a subfolder to find more.`;
  return hits.length === 0 ? `No results for ${query}` : found;
}

type HitsProps = { now: SearchNow } & Pick<Props, 'shownPath' | 'onShow'>;

function Hits({ now: { input, hits, matches }, shownPath, onShow }: HitsProps) {
  const lastOf = useMemo(() => new Map(hits.map(({ path }, index) => [path, index])), [hits]);
  /** Follows the last hit of a file that has more. */
  const more = (index: number) => {
    const path = hits[index]?.path;
    const many = path === undefined || lastOf.get(path) !== index ? undefined : matches.get(path);
    if (many === undefined) return null;
    const shown = hits.filter((hit) => hit.path === path).length;
    return `first ${shown} in this file, ${many.toLocaleString('en')} in all`;
  };
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(-1);
  const virtual = useVirtualizer({
    count: hits.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => HIT_PX[input.place] + (more(index) === null ? 0 : MORE_PX),
    overscan: 8,
  });
  // The sizes change when the counts arrive.
  useEffect(() => {
    if (matches.size > 0) virtual.measure();
  }, [virtual, matches]);

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const hit = hits[active];
    if (step !== undefined) {
      const next = Math.min(Math.max(active + step, 0), hits.length - 1);
      setActive(next);
      virtual.scrollToIndex(next);
    } else if (event.key === 'Enter' && hit?.isAddressable) onShow(hit);
    else return;
    event.preventDefault();
  }

  return (
    <div
      ref={scroller}
      role="listbox"
      aria-label="Results"
      aria-activedescendant={active < 0 ? undefined : `hit-${active}`}
      tabIndex={0}
      onKeyDown={unlessComposing(onKeyDown)}
      className="group/hits relative min-h-0 flex-1 overflow-y-auto overflow-x-hidden outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
    >
      <div className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start, size }) => {
          const hit = hits[index];
          if (!hit) return null;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the list handles keys.
            <div
              translate="no"
              key={index}
              id={`hit-${index}`}
              role="option"
              aria-selected={hit.path === shownPath}
              aria-disabled={!hit.isAddressable}
              title={hit.isAddressable ? undefined : UNADDRESSABLE}
              onClick={() => {
                setActive(index);
                if (hit.isAddressable) onShow(hit);
              }}
              className={`absolute left-0 flex w-full cursor-default flex-col justify-center px-4 font-mono text-small hover:bg-hover aria-disabled:text-ink-3 aria-selected:bg-selected ${
                index === active
                  ? 'bg-hover group-focus-visible/hits:outline-2 group-focus-visible/hits:outline-accent group-focus-visible/hits:-outline-offset-2'
                  : ''
              }`}
              style={{ top: start, height: size }}
            >
              <span className="flex min-w-0 items-baseline">
                <FilePath path={relativePath(input.path, hit.path)} />
                {hit.line === null ? null : <span className="shrink-0 text-ink-3">:{hit.line}</span>}
              </span>
              {hit.text === null ? null : (
                <Visible text={hit.text.trim()} className="truncate whitespace-pre text-ink-2" />
              )}
              {more(index) === null ? null : (
                <span className="font-sans text-ink-3 leading-5">{more(index)}</span>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
