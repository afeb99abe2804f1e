import type { Dialect } from '../dialect';
import { ApiError } from '../http';
import type { SandboxRecord } from '../record';
import type { EngineServices } from '../services';
import { invalid } from '../validation';
import type { NewSandboxBody } from './bodies';
import { enforceable } from './network';
import { raiseNotOffered } from './not-offered';

/**
 * Creates a sandbox as its caller asks (docs/protocol.md#creating-a-sandbox).
 * @throws ApiError 400 for fields that conflict or that this engine does not enforce, 404 for an unknown template, 501 for
 * volumes; the errors of `Lifecycle.create`.
 */
export async function createSandbox(
  body: NewSandboxBody,
  dialect: Dialect,
  { templates, lifecycle, guests }: EngineServices,
): Promise<SandboxRecord> {
  requireOffered(body);
  requireConsistent(body);
  const allowInternetAccess = body.allow_internet_access ?? null;
  const { hasNetwork } = guests;
  const context = { prefix: 'network.', allowInternetAccess, hasNetwork };
  const network = body.network == null ? undefined : enforceable(body.network, context);
  const template = templates.find(body.templateID);
  if (template === undefined) throw new ApiError(404, `template '${body.templateID}' not found`);

  const { files, release } = templates.hold(template);
  try {
    const input = {
      template,
      files,
      autoPause: body.autoPause ?? false,
      autoPauseMemory: body.autoPauseMemory ?? true,
      autoResume: body.autoResume?.enabled ?? false,
      ...(body.timeout === undefined ? {} : { timeoutMs: body.timeout * 1000 }),
      secure: body.secure ?? false,
      allowInternetAccess,
      ...(network === undefined ? {} : { network }),
      dialect,
      metadata: body.metadata ?? {},
      envVars: body.envVars ?? {},
    };
    return await lifecycle.create(input, body.timeout);
  } finally {
    release();
  }
}

/** @throws ApiError 501 for what this engine lacks. */
function requireOffered({ volumeId, volumeMountPath, volumeMounts, iam }: NewSandboxBody): void {
  const hasVolume = volumeId !== undefined || volumeMountPath !== undefined;
  if (hasVolume || (volumeMounts ?? []).length > 0) raiseNotOffered('volumes');
  if (Object.keys(iam?.tokens ?? {}).length > 0) raiseNotOffered('workload identity (iam)');
}

/** @throws ApiError 400 for fields that exclude each other. */
function requireConsistent({ network, secure, autoPauseMemory, autoResume }: NewSandboxBody): void {
  if (network?.allowPublicTraffic === false && secure !== true) {
    throw invalid('network.allowPublicTraffic', 'expected secure: true if public traffic is not allowed');
  }
  if (autoPauseMemory === false && autoResume?.enabled === true) {
    throw invalid(
      'autoPauseMemory',
      'expected true if autoResume is enabled: traffic cannot start processes anew',
    );
  }
}
