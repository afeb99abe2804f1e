'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { LazyMenu } from '@/components/ui/floating';
import type { MenuAct } from '@/components/ui/menu-act';
import { toast } from '@/components/ui/toast';
import { isConnectionNamed } from '@/lib/connection';
import { byConnection } from '@/lib/connection-split';
import { fleets } from '@/lib/fleet/fleets';
import {
  asCodePerConnection,
  CODE_LANGUAGES,
  type CodeGroup,
  type CodeLanguage,
} from '@/lib/operations/plan/as-code';
import type { ActParams } from '@/lib/operations/schema';
import type { SandboxAct } from '@/lib/sandbox/can';
import { idOf, type SandboxKey } from '@/lib/sandbox-key';

const NAMES = {
  python: 'Python',
  typescript: 'TypeScript',
  cli: 'Command line',
} satisfies Record<CodeLanguage, string>;

type Props = {
  act: SandboxAct;
  params: ActParams;
  keys: readonly SandboxKey[];
  tone?: 'plain' | 'quiet';
  className?: string;
};

export function CopyAsCode({ act, params, keys, tone = 'plain', className }: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <>
      <Button
        tone={tone}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        className={className}
        unavailable={keys.length === 0 ? 'The list of sandboxes is not complete yet.' : null}
        onPointerEnter={() => LazyMenu.preload()}
        onClick={({ currentTarget }) => setAnchor(currentTarget)}
      >
        Copy as code
      </Button>
      <LazyMenu
        anchor={anchor}
        onClose={() => setAnchor(null)}
        acts={anchor === null ? [] : CODE_LANGUAGES.map((language) => copyAct(language, act, params, keys))}
      />
    </>
  );
}

function copyAct(
  language: CodeLanguage,
  act: SandboxAct,
  params: ActParams,
  keys: readonly SandboxKey[],
): MenuAct {
  const code = asCodePerConnection(act, params, groupsOf(keys), language);
  return {
    label: NAMES[language],
    onActivate: () => void copy(code.ok ? code.text : '', NAMES[language]),
    disabledReason: code.ok ? null : code.reason,
  };
}

function groupsOf(keys: readonly SandboxKey[]): CodeGroup[] {
  const { connections } = fleets().view();
  return [...byConnection(keys)].map(([name, own]) => {
    const connection = connections.find((one) => one.name === name);
    return {
      ids: own.map(idOf),
      connection: connection ?? { name, kind: 'moru', host: 'its service', variables: {} },
      isNamed: isConnectionNamed(name, connections),
    };
  });
}

async function copy(text: string, name: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast.success(`Copied as ${name === NAMES.cli ? 'a command line' : name}`);
  } catch {
    toast.error('The browser does not allow copying', { description: text.slice(0, 200) });
  }
}
