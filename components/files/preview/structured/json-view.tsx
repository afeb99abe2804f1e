'use client';

import { useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Strip } from '@/components/ui/strip';
import { inSlices } from '@/lib/files/preview/slices';
import {
  carryOpen,
  firstOpen,
  JsonSyntaxError,
  type JsonTree,
  parseJson,
} from '@/lib/files/preview/structured/json-tree';
import { newDecoder } from '@/lib/files/preview/text/encoding';
import type { PreviewProps } from '../preview-props';
import { TextView } from '../text/text-view';
import { useWhole } from '../use-whole';
import { WholeFrame } from '../whole-frame';
import { JsonRows } from './json-rows';

type Understood = { tree: JsonTree } | { broken: JsonSyntaxError };

/** A JSON text as a tree; what is none as text, with the place where it breaks. */
export function JsonView(props: PreviewProps) {
  const { encoding, entry, isLive } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const isSequence = /\.(?:jsonl|ndjson)$/i.test(entry.name);
  const whole = useWhole<Understood>(props, {
    view: 'tree',
    scroller,
    understand: async (bytes, signal) => {
      try {
        return {
          tree: await inSlices(parseJson(newDecoder(encoding).decode(bytes), { isSequence }), signal),
        };
      } catch (thrown) {
        if (thrown instanceof JsonSyntaxError) return { broken: thrown };
        throw thrown;
      }
    },
  });
  return (
    <WholeFrame whole={whole} isLive={isLive}>
      {(understood) =>
        'tree' in understood ? (
          <JsonShown key={entry.path} tree={understood.tree} scroller={scroller} />
        ) : (
          <Broken props={props} broken={understood.broken} />
        )
      }
    </WholeFrame>
  );
}

function JsonShown({ tree, scroller }: { tree: JsonTree; scroller: React.RefObject<HTMLDivElement | null> }) {
  const [opened, setOpened] = useState({ tree, open: firstOpen(tree) as ReadonlySet<number> });
  // Another text: the same places stay open as far as they are there.
  const open = opened.tree === tree ? opened.open : carryOpen(opened.tree, opened.open, tree);
  if (opened.tree !== tree) setOpened({ tree, open });
  return (
    <JsonRows
      tree={tree}
      open={open}
      onOpen={(next) => setOpened({ tree, open: next })}
      scroller={scroller}
    />
  );
}

function Broken({ props, broken }: { props: PreviewProps; broken: JsonSyntaxError }) {
  const { line, column, message } = broken;
  const [asked, setAsked] = useState<number | null>(null);
  return (
    <>
      <Strip
        isDense
        actions={
          <Button className="h-7!" onClick={() => setAsked(line)}>
            Go there
          </Button>
        }
      >
        This is no valid JSON: {message}, in line {line.toLocaleString('en')}, column{' '}
        {column.toLocaleString('en')}.
      </Strip>
      <TextView {...props} line={asked ?? props.line} />
    </>
  );
}
