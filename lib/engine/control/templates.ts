import { ApiError } from '../http';
import type { EngineServices } from '../services';
import type { SnapshotTemplate } from '../template-catalog';
import {
  findTemplate,
  NAMESPACE,
  parseReference,
  TEMPLATES,
  TEMPLATES_CREATED_AT,
  type Template,
} from '../templates';
import { formatTime } from '../time';
import { invalid, queryInteger, validate } from '../validation';
import { AssignTagsBody, DeleteTagsBody } from './bodies';
import { raiseNotOffered } from './not-offered';
import { type Call, type Route, takePage } from './route';
import { ENVD_VERSION, TEAM_ID } from './views';

/** The templates and their tags (docs/protocol.md#templates). Snapshots are templates that `/snapshots` lists. */
export function templateRoutes({ templates }: EngineServices): Route[] {
  return [
    {
      method: 'GET',
      path: '/templates',
      query: ['teamID'],
      handle({ query }) {
        requireOwnTeam(query);
        return { status: 200, body: TEMPLATES.map(viewTemplate) };
      },
    },
    {
      method: 'GET',
      path: '/v2/templates',
      query: ['teamID', 'limit', 'nextToken'],
      handle(call) {
        requireOwnTeam(call.query);
        return pageOf(
          call,
          TEMPLATES.map(viewTemplate),
          ({ templateID }) => templateID,
          (page) => page,
        );
      },
    },
    {
      method: 'GET',
      path: '/templates/{id}',
      query: ['limit', 'nextToken'],
      handle(call) {
        const { param } = call;
        const template = findTemplate(parseReference(param)?.name ?? '');
        const snapshot = template === undefined ? templates.findSnapshot(param) : undefined;
        const detail =
          template === undefined ? snapshot && viewSnapshotDetail(snapshot) : viewTemplateDetail(template);
        if (detail === undefined) throw new ApiError(404, `template '${param}' not found`);
        return pageOf(
          call,
          detail.builds,
          ({ buildID }) => buildID,
          (builds) => ({ ...detail, builds }),
        );
      },
    },
    ...(['/templates', '/templates/{id}'] as const).map((path) => refuse('POST', path, 'template builds')),
    ...(['/templates/{id}', '/v2/templates/{id}'] as const).map((path) =>
      refuse('PATCH', path, 'changes of templates'),
    ),
    {
      method: 'DELETE',
      path: '/templates/{id}',
      async handle({ param }) {
        await templates.remove(param);
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: '/templates/aliases/{alias}',
      handle({ param }) {
        const template = templates.find(parseReference(param)?.name ?? '');
        if (template === undefined) throw new ApiError(404, `Template '${param}' not found`);
        const isBuiltIn = findTemplate(template.templateId) !== undefined;
        return { status: 200, body: { templateID: template.templateId, public: isBuiltIn } };
      },
    },
    ...tagRoutes(templates),
  ];
}

function tagRoutes(templates: EngineServices['templates']): Route[] {
  return [
    {
      method: 'GET',
      path: '/templates/{id}/tags',
      handle({ param }) {
        const tags = templates.tagsOf(param);
        if (tags === undefined) throw new ApiError(404, `Template '${param}' not found`);
        const body = tags.map(({ tag, buildId, createdAtMs }) => ({
          tag,
          buildID: buildId,
          // Built-in templates have their default tag from the start.
          createdAt: createdAtMs === 0 ? TEMPLATES_CREATED_AT : formatTime(createdAtMs),
        }));
        return { status: 200, body };
      },
    },
    {
      method: 'POST',
      path: '/templates/tags',
      async handle({ body }) {
        const { target, tags } = validate(AssignTagsBody, body);
        const { buildId } = await templates.assignTags(target, tags);
        return { status: 201, body: { buildID: buildId, tags } };
      },
    },
    {
      method: 'DELETE',
      path: '/templates/tags',
      async handle({ body }) {
        const { name, tags } = validate(DeleteTagsBody, body);
        await templates.deleteTags(name, tags);
        return { status: 204 };
      },
    },
  ];
}

function refuse(method: Route['method'], path: string, feature: string): Route {
  return { method, path, query: null, handle: () => raiseNotOffered(feature) };
}

/** The engine has one team. @throws ApiError 400 for another. */
function requireOwnTeam(query: URLSearchParams): void {
  const teamId = query.get('teamID');
  if (teamId !== null && teamId !== TEAM_ID)
    throw invalid('teamID', `expected the team of the key, ${TEAM_ID}`);
}

/** Cuts a page from a list that does not change its order. The cursor is the id of the last item. */
function pageOf<Item>(
  { query, effects }: Call,
  items: readonly Item[],
  idOf: (item: Item) => string,
  view: (page: Item[]) => unknown,
) {
  const limit = queryInteger(query, 'limit', { min: 1, max: 100 }) ?? 100;
  const token = query.get('nextToken') || null;
  const start = token === null ? 0 : items.findIndex((item) => idOf(item) === token) + 1;
  if (token !== null && start === 0) throw new ApiError(400, 'Invalid next token');
  const { page, headers } = takePage(items.slice(start), () => true, {
    limit,
    token,
    effects,
    formatToken: idOf,
  });
  return { status: 200, body: view(page), headers };
}

function viewCommon({ templateId }: Template) {
  return {
    templateID: templateId,
    public: true,
    aliases: [templateId],
    names: [templateId],
    createdAt: TEMPLATES_CREATED_AT,
    updatedAt: TEMPLATES_CREATED_AT,
    lastSpawnedAt: null,
    spawnCount: 0,
  };
}

function viewTemplate(template: Template) {
  const { buildId: buildID, cpuCount, memoryMB, diskSizeMB } = template;
  return {
    ...viewCommon(template),
    buildID,
    cpuCount,
    memoryMB,
    diskSizeMB,
    createdBy: null,
    buildCount: 1,
    envdVersion: ENVD_VERSION,
    buildStatus: 'ready',
  };
}

function viewTemplateDetail(template: Template) {
  const builds = [viewBuild(template.buildId, TEMPLATES_CREATED_AT, template)];
  return { ...viewCommon(template), builds };
}

function viewSnapshotDetail(snapshot: SnapshotTemplate) {
  const { templateId, alias, createdAtMs, builds } = snapshot;
  const updatedAtMs = builds.at(-1)?.createdAtMs ?? createdAtMs;
  return {
    templateID: templateId,
    public: false,
    aliases: alias === undefined ? [] : [alias],
    names: alias === undefined ? [] : [`${NAMESPACE}/${alias}`],
    createdAt: formatTime(createdAtMs),
    updatedAt: formatTime(updatedAtMs),
    lastSpawnedAt: null,
    spawnCount: 0,
    builds: builds.map((build) => viewBuild(build.buildId, formatTime(build.createdAtMs), snapshot)),
  };
}

function viewBuild(
  buildID: string,
  createdAt: string,
  { cpuCount, memoryMB, diskSizeMB }: Pick<Template, 'cpuCount' | 'memoryMB' | 'diskSizeMB'>,
) {
  return {
    buildID,
    status: 'ready',
    createdAt,
    updatedAt: createdAt,
    finishedAt: createdAt,
    cpuCount,
    memoryMB,
    diskSizeMB,
    envdVersion: ENVD_VERSION,
  };
}
