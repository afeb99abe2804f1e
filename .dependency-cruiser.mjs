// The layers of the code. `npm run layers` fails on an import that runs upwards, sideways or in a circle.
// docs/architecture.md says what each room is for.

/** From the bottom up. A room may import rooms of lower rows, not rooms of its own row or above. */
const componentRows = [
  ['components/ui/'],
  ['components/data/'],
  ['components/sandbox/'],
  ['components/operations/'],
  ['components/sandbox-page/'],
  ['components/commands/', 'components/access/', 'components/connections/', 'components/settings/'],
  [
    'components/console/',
    'components/files/',
    'components/fleet/',
    'components/processes/',
    'components/record/',
  ],
  ['components/shell/'],
];

const libRows = [
  ['lib/roles', 'lib/sandbox-key'],
  ['lib/grants'],
  ['lib/connection', 'lib/connection-split'],
  ['lib/declared-file'],
  [
    'lib/declared-connections',
    'lib/declared-providers',
    'lib/errors',
    'lib/http/',
    'lib/foreign-dom',
    'lib/json-of',
    'lib/key-events',
    'lib/page-query',
    'lib/page-state',
    'lib/paths',
    'lib/singleton',
    'lib/visible-text',
    'lib/work-loop',
  ],
  ['lib/config-variables'],
  ['lib/build-id', 'lib/config', 'lib/result', 'lib/sandbox/'],
  [
    'lib/answer',
    'lib/api-client',
    'lib/config-warnings',
    'lib/kept-text',
    'lib/record-search',
    'lib/joined-signal',
    'lib/request-context',
    'lib/request-facts',
    'lib/response-headers',
  ],
  ['lib/db/', 'lib/live/'],
  ['lib/connections/'],
  ['lib/sandbox-api/'],
  ['lib/access/', 'lib/lease/'],
  ['lib/fleet/'],
  ['lib/creation/', 'lib/palette/', 'lib/settings/', 'lib/views/', 'lib/wake/'],
  ['lib/files/'],
  ['lib/operations/schema'],
  ['lib/operations/record/'],
  ['lib/operations/step/'],
  ['lib/commands/'],
  ['lib/console/', 'lib/processes/', 'lib/operations/archive/', 'lib/operations/plan/'],
  ['lib/operations/work/'],
  ['lib/operations/operate'],
  ['lib/operations/actions'],
  ['lib/channels'],
  ['lib/front', 'lib/server-runtime'],
];

const tests = '[.]test[.]tsx?$|(^|/)test-[^/]+(/|[.]tsx?$)';
const engine = '^lib/engine/';
const toPattern = (room) => (room.endsWith('/') ? `^${room}` : `^${room}[.]tsx?$`);

/** One rule for each room: the rooms that it must not import. */
function orderRules(rows) {
  return rows
    .flatMap((row, index) =>
      row.map((room) => ({
        name: `${room} is below what it imports`,
        severity: 'error',
        from: { path: toPattern(room), pathNot: tests },
        to: {
          path: [...row.filter((other) => other !== room), ...rows.slice(index + 1).flat()].map(toPattern),
          pathNot: tests,
        },
      })),
    )
    .filter(({ to }) => to.path.length > 0);
}

/** A new room has to be given its place. */
function completenessRule(folder, rows, exceptions) {
  return {
    name: `a room of ${folder} has no row in .dependency-cruiser.mjs`,
    severity: 'error',
    from: { pathNot: tests },
    to: { path: `^${folder}/`, pathNot: [...rows.flat().map(toPattern), tests, ...exceptions] },
  };
}

export default {
  forbidden: [
    { name: 'circular import', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'components import app',
      severity: 'error',
      from: { path: '^components/' },
      to: { path: '^app/' },
    },
    {
      name: 'lib imports above it',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(app|components)/' },
    },
    ...orderRules(componentRows),
    ...orderRules(libRows),
    completenessRule('components', componentRows, []),
    completenessRule('lib', libRows, [engine, '^lib/test-support/']),
    {
      name: 'the engine imports the rest',
      severity: 'error',
      from: { path: engine, pathNot: tests },
      to: { path: '^(app|components|lib)/', pathNot: [engine, tests] },
    },
    {
      name: 'the engine is imported',
      severity: 'error',
      from: { path: '^(app|components|lib)/', pathNot: [engine, tests, '^lib/test-support/'] },
      to: { path: engine },
    },
    {
      name: 'the SDK is imported outside lib/sandbox-api/client.ts',
      severity: 'error',
      from: {
        path: '^(app|components|lib)/',
        pathNot: [tests, '^lib/sandbox-api/client[.]ts$', '^lib/test-support/'],
      },
      to: { path: 'node_modules/@moru-ai/' },
    },
    {
      name: 'a component imports the sandbox API or the database',
      severity: 'error',
      from: { path: '^components/' },
      to: { path: '^lib/(sandbox-api|db)/', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mjs', '.js', '.css'] },
  },
};
