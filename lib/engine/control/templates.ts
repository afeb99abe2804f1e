import { ApiError } from '../http';
import { findTemplate, TEMPLATES, TEMPLATES_CREATED_AT, type Template } from '../templates';
import type { Route } from './route';
import { ENVD_VERSION } from './views';

/** The built-in templates, read-only (docs/protocol.md#templates). */
export function templateRoutes(): Route[] {
  return [
    { method: 'GET', path: '/templates', handle: () => ({ status: 200, body: TEMPLATES.map(viewTemplate) }) },
    {
      method: 'GET',
      path: '/templates/{id}',
      handle({ param }) {
        const template = findTemplate(param);
        if (template === undefined) throw new ApiError(404, `template '${param}' not found`);
        return { status: 200, body: viewTemplateDetail(template) };
      },
    },
  ];
}

function viewCommon({ templateId }: Template) {
  return {
    templateID: templateId,
    public: true,
    aliases: [templateId],
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
  const { buildId: buildID, cpuCount, memoryMB, diskSizeMB } = template;
  const build = {
    buildID,
    status: 'ready',
    createdAt: TEMPLATES_CREATED_AT,
    updatedAt: TEMPLATES_CREATED_AT,
    finishedAt: TEMPLATES_CREATED_AT,
    cpuCount,
    memoryMB,
    diskSizeMB,
    envdVersion: ENVD_VERSION,
  };
  return { ...viewCommon(template), builds: [build] };
}
