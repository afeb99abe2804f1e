'use client';

import { StreamLanguage } from '@codemirror/language';
import { classHighlighter, highlightTree } from '@lezer/highlight';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { languageNamed } from './languages';
import { VisibleLines } from './visible-lines';

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
  return parts ?? <VisibleLines text={text} />;
}

function highlightedParts(text: string, language: StreamLanguage<unknown>): ReactNode[] | null {
  if (text.length > MAX_HIGHLIGHTED_CHARS) return null;
  const parts: ReactNode[] = [];
  let end = 0;
  const plain = (to: number) => {
    if (to > end) parts.push(<VisibleLines key={end} text={text.slice(end, to)} />);
  };
  highlightTree(language.parser.parse(text), classHighlighter, (from, to, classes) => {
    plain(from);
    parts.push(
      <span key={from} className={classes}>
        <VisibleLines text={text.slice(from, to)} />
      </span>,
    );
    end = to;
  });
  plain(text.length);
  return parts;
}
