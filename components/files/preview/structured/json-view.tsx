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

type Parsed = { tree: JsonTree } | { broken: JsonSyntaxError };

/** JSON as a tree. Invalid JSON is shown as text with the error. */
export function JsonView(props: PreviewProps) {
  const { encoding, entry, isLive } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const isSequence = /\.(?:jsonl|ndjson)$/i.test(entry.name);
  const whole = useWhole<Parsed>(props, {
    view: 'tree',
    scroller,
    parse: async (bytes, signal) => {
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
      {(parsed) =>
        'tree' in parsed ? (
          <JsonShown key={entry.path} tree={parsed.tree} scroller={scroller} />
        ) : (
          <Broken props={props} broken={parsed.broken} />
        )
      }
    </WholeFrame>
  );
}

function JsonShown({ tree, scroller }: { tree: JsonTree; scroller: React.RefObject<HTMLDivElement | null> }) {
  const [opened, setOpened] = useState({ tree, open: firstOpen(tree) as ReadonlySet<number> });
  // Carries the expanded nodes over to a new version.
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
  const [targetLine, setTargetLine] = useState<number | null>(null);
  return (
    <>
      <Strip
        isDense
        actions={
          <Button className="h-7!" onClick={() => setTargetLine(line)}>
            Go to error
          </Button>
        }
      >
        Invalid JSON in line {line.toLocaleString('en')}, column {column.toLocaleString('en')}: {message}.
      </Strip>
      <TextView {...props} line={targetLine ?? props.line} />
    </>
  );
}
