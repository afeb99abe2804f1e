import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * Checks the conventions of file names and directives, and that no server code reaches the browser. Layers are checked
 * by dependency-cruiser (`.dependency-cruiser.mjs`).
 */

const ROOT = resolve(import.meta.dirname, '..');
const IMPORT = /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*'([^']+)'\s*\)/g;

type Import = { target: string; isType: boolean };
type Module = { path: string; text: string; imports: Import[] };

/** Our modules by path from the root. Their imports of our modules are also paths from the root. */
const modules: ReadonlyMap<string, Module> = new Map(
  [
    ...['app', 'components', 'lib'].flatMap((dir) => filesIn(join(ROOT, dir))),
    join(ROOT, 'instrumentation.ts'),
    join(ROOT, 'instrumentation-client.ts'),
  ].map((file) => {
    const module = readModule(file);
    return [module.path, module];
  }),
);

function filesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return /\.(ts|tsx)$/.test(entry.name) ? [path] : [];
  });
}

function readModule(file: string): Module {
  const text = withoutComments(readFileSync(file, 'utf8'));
  const found = [...text.matchAll(IMPORT)].map(([, type, target = '']) => ({ target, isType: !!type }));
  const later = [...text.matchAll(DYNAMIC_IMPORT)].map(([, target = '']) => ({ target, isType: false }));
  const imports = [...found, ...later].map(({ target, isType }) => ({
    target: resolveTarget(target, file),
    isType,
  }));
  return { path: relative(ROOT, file), text, imports };
}

/** Comments may contain code. Ignores that strings may contain comment markers. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** The path from the root for our modules, otherwise the unchanged specifier. */
function resolveTarget(target: string, importer: string): string {
  const path = target.startsWith('@/')
    ? join(ROOT, target.slice(2))
    : target.startsWith('.')
      ? resolve(dirname(importer), target)
      : null;
  if (path === null) return target;
  const file = [path, `${path}.ts`, `${path}.tsx`].find((candidate) => isFile(candidate));
  return relative(ROOT, file ?? path);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

const isTest = (path: string) => /\.test\.tsx?$|(^|\/)test-[^/]+(\/|\.ts$)/.test(path);
const isEngine = (path: string) => path.startsWith('lib/engine/');
const isAction = (path: string) => /^lib\/.*\/actions\.ts$/.test(path);
const product = [...modules.values()].filter(({ path }) => !isTest(path) && !isEngine(path));
const runtime = ({ imports }: Module) => imports.filter(({ isType }) => !isType);

it('finds the modules and their imports', () => {
  expect(modules.get('lib/server-runtime.ts')?.imports).toContainEqual({
    target: 'lib/config.ts',
    isType: false,
  });
  expect(modules.get('instrumentation.ts')?.imports).toEqual([
    { target: 'lib/server-runtime.ts', isType: false },
  ]);
  expect(modules.get('lib/access/sessions.ts')?.imports).toContainEqual({
    target: 'lib/db/client.ts',
    isType: false,
  });
});

describe('the browser', () => {
  const isServerOnly = (path: string) => modules.get(path)?.imports[0]?.target === 'server-only';
  const SERVER_PACKAGES = /^(node:|pg$|libsql$|kysely$|ws$|next\/headers$|@moru-ai\/)/;

  it('never bundles server packages: modules that use one start with server-only', () => {
    const unmarked = product.filter(
      (module) =>
        module.path.startsWith('lib/') &&
        !isAction(module.path) &&
        !isServerOnly(module.path) &&
        runtime(module).some(({ target }) => SERVER_PACKAGES.test(target) || isServerOnly(target)),
    );
    expect(unmarked.map(({ path }) => path)).toEqual([]);
  });

  it('components import no server module except actions', () => {
    const components = product.filter(({ path }) => path.startsWith('components/'));
    const imported = components.flatMap((module) =>
      runtime(module)
        .filter(
          ({ target }) =>
            /^lib\/(sandbox-api|db)\//.test(target) || isServerOnly(target) || SERVER_PACKAGES.test(target),
        )
        .map(({ target }) => `${module.path} → ${target}`),
    );
    expect(imported).toEqual([]);
  });

  it('components reach no server module through their imports', () => {
    const reached = new Map<string, string>();
    const visit = (path: string, from: string) => {
      if (reached.has(path) || isAction(path)) return;
      reached.set(path, from);
      const module = modules.get(path);
      for (const { target } of module ? runtime(module) : []) visit(target, path);
    };
    for (const { path } of product) if (path.startsWith('components/')) visit(path, 'components');
    const leaks = [...reached].filter(([path]) => path === 'server-only' || SERVER_PACKAGES.test(path));
    expect(leaks).toEqual([]);
  });
});

describe('the sandbox service', () => {
  it('is called without an SDK: those are clients of the tests', () => {
    const imported = product.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => /^(@moru-ai\/|e2b$)/.test(target))
        .map(({ target }) => `${path} → ${target}`),
    );
    expect(imported).toEqual([]);
  });

  it('is one of any number: only one module of its room reads the configuration or keeps an instance', () => {
    const room = product.filter(({ path }) => path.startsWith('lib/sandbox-api/'));
    const tied = room.filter((module) =>
      runtime(module).some(({ target }) => /^lib\/(config|singleton)\.ts$/.test(target)),
    );
    // The engine's state is that of a child process, and there is only one.
    expect(tied.map(({ path }) => path)).toEqual([
      'lib/sandbox-api/configured.ts',
      'lib/sandbox-api/engine-state.ts',
    ]);
  });

  it('is asked for its capabilities: no other room looks at its kind', () => {
    const asking = product.filter(
      ({ path, text }) =>
        /^(app|components|lib)\//.test(path) &&
        !/^lib\/(sandbox-api|config)/.test(path) &&
        /\bkind\s*===?\s*'(local|remote|moru|e2b|e2b-compatible)'|isLocalEngine/.test(text),
    );
    expect(asking.map(({ path }) => path)).toEqual([]);
  });
});

describe('key handlers', () => {
  const HANDLER = /\bonKey(?:Down|Up|Press)(?:Capture)?=\{(?!unlessComposing\()[^\n]*/g;
  const LISTENER = /addEventListener\(\s*'key[^\n]*/g;

  it('leave the keys to an input method while it is composing', () => {
    const pages = product.filter(({ path }) => path !== 'lib/key-events.ts');
    const unwrapped = pages.flatMap(({ path, text }) =>
      [...text.matchAll(HANDLER), ...text.matchAll(LISTENER)].map(([found]) => `${path}: ${found}`),
    );
    expect(unwrapped).toEqual([]);
    const terminals = pages.filter(({ text }) => text.includes('attachCustomKeyEventHandler'));
    expect(terminals.map(({ text }) => text.includes('isComposing('))).toEqual([true]);
  });
});

describe('signals', () => {
  it('are joined by lib/joined-signal.ts only, because AbortSignal.any loses time limits', () => {
    const inWrongPlace = product
      .filter(({ text }) => /AbortSignal\.any\(/.test(text))
      .map(({ path }) => path);
    expect(inWrongPlace).toEqual([]);
  });
});

describe('the colour of danger', () => {
  it('is for kills alone, and not for what else went wrong', () => {
    const coloured = product.filter(({ text }) => /\b(?:text|bg|border)-danger\b/.test(text));
    expect(coloured.map(({ path }) => path)).toEqual([
      'app/dev/gallery/showcases.tsx',
      // The outcome of a kill.
      'components/operations/outcome.tsx',
      // Whatever asks for it with a tone.
      'components/shell/palette/palette.tsx',
      'components/ui/button.tsx',
      'components/ui/menu.tsx',
    ]);
  });
});

describe('text of others', () => {
  // So that an invisible or reordering character is marked the same way everywhere.
  it('is isolated by components/ui/visible-text.tsx only', () => {
    const isolating = product.filter(({ text }) => /<bdi\b|dangerouslySetInnerHTML/.test(text));
    expect(isolating.map(({ path }) => path)).toEqual(['components/ui/visible-text.tsx']);
  });

  it('reaches toasts through components/ui/toast.ts only', () => {
    const importing = product.filter(({ imports }) => imports.some(({ target }) => target === 'sonner'));
    expect(importing.map(({ path }) => path)).toEqual([
      'components/shell/providers.tsx',
      'components/ui/toast.ts',
    ]);
  });
});

describe('calls of server actions', () => {
  const IMPORTED = /import \{([^}]*)\} from '@\/lib\/[\w/]*actions'/g;

  it('go through answerOf, which tells a refusal from a missing answer', () => {
    const bare = product
      .filter(({ path }) => path.startsWith('components/'))
      .flatMap(({ path, text }) =>
        [...text.matchAll(IMPORTED)]
          .flatMap(([, names = '']) => names.split(',').map((name) => name.trim()))
          .filter((name) => name !== '' && !name.startsWith('type '))
          .filter((name) => new RegExp(`(?<!answerOf\\(\\s*|\\.)\\b${name}\\(`).test(text))
          .map((name) => `${path}: ${name}`),
      );
    expect(bare).toEqual([]);
  });
});

describe('machine text', () => {
  const MONOSPACED =
    /<(?:span|p|pre|code|h1|h2|dd|dt|td|ol|ul|div|a|button|kbd|bdi|li|label|Link)\b(?:[^<>]|=>)*?className=(?:"[^"]*font-mono|\{clsx\(\s*'[^']*font-mono|\{`[^`]*font-mono)/g;

  it('is never translated: ids, names, commands and code are in a monospaced font', () => {
    const translated = product
      .filter(({ path }) => path.startsWith('components/'))
      .flatMap(({ path, text }) =>
        [...text.matchAll(MONOSPACED)]
          .filter(([tag]) => !tag.includes('translate="no"'))
          .map(([tag]) => `${path}: ${tag}`),
      );
    expect(translated).toEqual([]);
  });
});

describe('what the page shows', () => {
  const components = product.filter(({ path }) => path.startsWith('components/'));

  it('draws checkboxes and radio buttons in the colours of the theme', () => {
    const native = components.filter(
      ({ path, text }) =>
        (path !== 'components/ui/checkbox.tsx' && text.includes('type="checkbox"')) ||
        /type="radio"(?![^>]*className="(?:radio|sr-only))/.test(text.replaceAll('=>', '')),
    );
    expect(native.map(({ path }) => path)).toEqual([]);
  });

  it('writes ID in capitals', () => {
    const SMALL = /(?:\b(?:sandbox|operation|its|the|their|usable|valid)|[^)]\}) ids?[ .,'"`<]/gi;
    const small = product.flatMap(({ path, text }) =>
      [...text.matchAll(SMALL)]
        .filter(([found]) => !/ IDs?./.test(found))
        .map(([found]) => `${path}: ${found}`),
    );
    expect(small).toEqual([]);
  });
});

describe('file names', () => {
  it("only actions.ts files start with 'use server'", () => {
    const begins = product.filter(({ text }) => /^\s*'use server'/m.test(text)).map(({ path }) => path);
    const actions = product.filter(({ path }) => path.endsWith('/actions.ts'));
    expect(actions.length).toBeGreaterThan(0);
    expect(begins).toEqual(actions.map(({ path }) => path));
    for (const { path, text } of actions)
      expect([path, text.trimStart().slice(0, 13)]).toEqual([path, "'use server';"]);
  });

  it('only the configuration reads the environment', () => {
    const readers = product.filter(({ text }) => /\bprocess\.env\b/.test(text)).map(({ path }) => path);
    expect(readers.toSorted()).toEqual(['app/dev/gallery/page.tsx', 'instrumentation.ts', 'lib/config.ts']);
    const variablesOf = (path: string) => modules.get(path)?.text.match(/process\.env\.\w+/g);
    expect(variablesOf('instrumentation.ts')).toEqual(['process.env.NEXT_RUNTIME']);
    expect(variablesOf('app/dev/gallery/page.tsx')).toEqual(['process.env.NODE_ENV']);
  });

  it('no barrel files exist', () => {
    const barrels = product.filter(({ path }) => /(^|\/)index\.tsx?$/.test(path));
    expect(barrels.map(({ path }) => path)).toEqual([]);
  });
});
