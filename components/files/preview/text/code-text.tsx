'use client';

import { StreamLanguage } from '@codemirror/language';
import { classHighlighter, highlightTree } from '@lezer/highlight';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { Signs } from '@/components/ui/visible-text';
import { languageNamed } from './languages';

const MAX_HIGHLIGHTED_CHARS = 50_000;

/** Short highlighted code. Plain until the language is loaded. */
export function CodeText({ text, language }: { text: string; language: string | null }) {
  const [loaded, setLoaded] = useState<StreamLanguage<unknown> | null>(null);
  const known = language === null ? null : languageNamed(language);
  // Language support loads over the network.
  useEffect(() => {
    let isCurrent = true;
    known
      ?.load()
      .then((parser) => isCurrent && setLoaded(StreamLanguage.define(parser)))
      .catch(() => {});
    return () => {
      isCurrent = false;
    };
  }, [known]);
  const parts = useMemo(() => (loaded === null ? null : highlightedParts(text, loaded)), [text, loaded]);
  return parts ?? <Signs text={text} shape="block" />;
}

function highlightedParts(text: string, language: StreamLanguage<unknown>): ReactNode[] | null {
  if (text.length > MAX_HIGHLIGHTED_CHARS) return null;
  const parts: ReactNode[] = [];
  let end = 0;
  const plain = (to: number) => {
    if (to > end) parts.push(<Signs key={end} text={text.slice(end, to)} shape="block" />);
  };
  highlightTree(language.parser.parse(text), classHighlighter, (from, to, classes) => {
    plain(from);
    parts.push(
      <span key={from} className={classes}>
        <Signs text={text.slice(from, to)} shape="block" />
      </span>,
    );
    end = to;
  });
  plain(text.length);
  return parts;
}
