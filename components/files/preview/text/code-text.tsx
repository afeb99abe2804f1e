'use client';

import { StreamLanguage } from '@codemirror/language';
import { classHighlighter, highlightTree } from '@lezer/highlight';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { languageNamed } from './languages';
import { VisibleLines } from './visible-lines';

const LONGEST_COLOURED = 50_000;

/** A short text in the colours of its language, once these are there. */
export function CodeText({ text, language }: { text: string; language: string | null }) {
  const [spoken, setSpoken] = useState<StreamLanguage<unknown> | null>(null);
  const known = language === null ? null : languageNamed(language);
  // The code of a language comes over the network.
  useEffect(() => {
    let isCurrent = true;
    known
      ?.load()
      .then((parser) => isCurrent && setSpoken(StreamLanguage.define(parser)))
      .catch(() => {});
    return () => {
      isCurrent = false;
    };
  }, [known]);
  const parts = useMemo(() => (spoken === null ? null : colouredParts(text, spoken)), [text, spoken]);
  return parts ?? <VisibleLines text={text} />;
}

function colouredParts(text: string, language: StreamLanguage<unknown>): ReactNode[] | null {
  if (text.length > LONGEST_COLOURED) return null;
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
