'use client';

import { memo, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import Markdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { CopyButton } from '@/components/ui/copy-button';
import { Visible } from '@/components/ui/visible-text';
import { markdownSections, renderRefusal, safeLink } from '@/lib/files/preview/structured/markdown-bounds';
import { newDecoder } from '@/lib/files/preview/text/encoding';
import { visibleText } from '@/lib/visible-text';
import type { PreviewProps } from '../preview-props';
import { PreviewNotice } from '../preview-state';
import { CodeText } from '../text/code-text';
import { useWhole } from '../use-whole';
import { WholeFrame } from '../whole-frame';
import { ImagePlace, SiblingImage } from './sibling-image';

/** Rendered Markdown. Runs and navigates nothing without a click, and loads only images of the same sandbox. */
export function MarkdownView(props: PreviewProps) {
  const { encoding, isLive, onInstead } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [link, setLink] = useState<string | null>(null);
  const whole = useWhole(props, {
    view: 'rendered',
    scroller,
    parse: async (bytes) => {
      const text = newDecoder(encoding).decode(bytes);
      return { text, reason: renderRefusal(text) };
    },
  });
  return (
    <WholeFrame whole={whole} isLive={isLive}>
      {({ text, reason }) =>
        reason !== null ? (
          <PreviewNotice
            title="This file cannot be rendered"
            acts={<Button onClick={() => onInstead('text')}>Show as text</Button>}
          >
            <p>{reason}</p>
          </PreviewNotice>
        ) : (
          <>
            {link === null ? null : <LinkStrip href={link} onClose={() => setLink(null)} />}
            <div
              ref={scroller}
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
              tabIndex={0}
              role="document"
              aria-label="Rendered text"
              className="min-h-0 flex-1 overflow-auto px-6 py-4"
            >
              {text.trim() === '' ? (
                <p className="text-ink-2">This file is empty.</p>
              ) : (
                <ImagePlace value={props}>
                  <MarkdownText text={text} onLink={setLink} />
                </ImagePlace>
              )}
            </div>
          </>
        )
      }
    </WholeFrame>
  );
}

/** Shows the target of a link before it is opened. */
export function LinkStrip({ href, onClose }: { href: string; onClose: () => void }) {
  return (
    <div
      role="status"
      className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-line border-b bg-selected px-5 py-1.5"
    >
      <span className="min-w-0 break-all">
        This link leads to <Visible text={href} className="font-mono text-small" />
      </span>
      <span className="ml-auto flex gap-2">
        <a
          href={href}
          target="_blank"
          rel="noopener noreferrer"
          className="inline-flex h-7 items-center rounded-md border border-line bg-surface px-3 font-medium hover:bg-hover"
        >
          Open in a new tab
        </a>
        <CopyButton text={href} label="Copy link" />
        <Button className="h-7!" tone="quiet" onClick={onClose}>
          Dismiss
        </Button>
      </span>
    </div>
  );
}

type MarkdownTextProps = { text: string; onLink: (href: string) => void };

/** Renders Markdown lazily. Drops HTML, loads only images beside the file, and shows link targets before opening them. */
export function MarkdownText({ text, onLink }: MarkdownTextProps) {
  const sections = useMemo(() => markdownSections(visibleText(text, 'block')), [text]);
  const [count, setCount] = useState(2);
  const end = useRef<HTMLDivElement>(null);
  const isAll = count >= sections.length;
  // The observer is an external system.
  useEffect(() => {
    const element = end.current;
    if (element === null) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) setCount(count + 1);
      },
      { rootMargin: '800px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [count]);
  return (
    <div className="markdown max-w-3xl break-words">
      {sections.slice(0, count).map((section, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: sections have no other key.
        <MarkdownSection key={index} text={section} onLink={onLink} />
      ))}
      {isAll ? null : <div ref={end} className="h-5 w-2/3 animate-pulse rounded-full bg-line-soft" />}
    </div>
  );
}

const MarkdownSection = memo(function MarkdownSection({ text, onLink }: MarkdownTextProps) {
  const components = useMemo(() => componentsFor(onLink), [onLink]);
  return (
    <Markdown remarkPlugins={PLUGINS} skipHtml components={components} urlTransform={(url) => url}>
      {text}
    </Markdown>
  );
});

const PLUGINS = [remarkGfm];

function componentsFor(onLink: (href: string) => void): Components {
  return {
    a: ({ href, children }) => (
      <LinkText href={href} onLink={onLink}>
        {children}
      </LinkText>
    ),
    img: ({ alt, src }) => <SiblingImage alt={alt ?? ''} source={String(src ?? '')} />,
    code: ({ className, children }) => {
      const language = /(?:^|\s)language-(\S+)/.exec(className ?? '')?.[1];
      return (
        <code>
          {language !== undefined && typeof children === 'string' ? (
            <CodeText text={children} language={language} />
          ) : (
            children
          )}
        </code>
      );
    },
    input: ({ checked }) => (
      <Checkbox
        className="mr-1.5 inline-block! align-[-2px]"
        checked={checked === true}
        disabled
        aria-label="Task"
      />
    ),
    table: ({ children }) => (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable by keyboard.
      <div className="overflow-x-auto" tabIndex={0} role="group" aria-label="Table">
        <table>{children}</table>
      </div>
    ),
    pre: ({ children }) => (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
      <pre tabIndex={0}>{children}</pre>
    ),
    h1: ({ children }) => <h3 className="markdown-1">{children}</h3>,
    h2: ({ children }) => <h4 className="markdown-2">{children}</h4>,
    h3: ({ children }) => <h5>{children}</h5>,
    h4: ({ children }) => <h6>{children}</h6>,
    h5: ({ children }) => <h6>{children}</h6>,
  };
}

type LinkTextProps = { href: string | undefined; onLink: (href: string) => void; children: ReactNode };

function LinkText({ href, onLink, children }: LinkTextProps) {
  const safe = safeLink(href);
  if (safe === null)
    return (
      <span
        className="underline decoration-dotted"
        title={visibleText(`Not a web link: ${href ?? 'no target'}`)}
      >
        {children}
      </span>
    );
  return (
    <a
      href={safe}
      target="_blank"
      rel="noopener noreferrer"
      title={visibleText(safe)}
      className="text-accent underline"
      onClick={(event) => {
        event.preventDefault();
        onLink(safe);
      }}
    >
      {children}
    </a>
  );
}
