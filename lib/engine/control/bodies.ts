import { z } from 'zod';
import { expect } from '../validation';
import { NetworkBody } from './network';

const seconds = (min = 0) => expect.integer(min);

const TEMPLATE_ERROR = 'expected a template id or alias of letters, digits, - and _';
const MOUNT_ERROR = 'expected a clean path below /workspace/, /data/, /mnt/ or /volumes/';
const OBJECT_ERROR = 'expected a JSON object';
const EMPTY_BODY = {};

/** An id or alias, in front of it perhaps a namespace, behind it perhaps a tag (docs/protocol.md#templates). */
const TemplateReference = z
  .string({ error: TEMPLATE_ERROR })
  .trim()
  .toLowerCase()
  .regex(/^([a-z0-9-_]+\/)?[a-z0-9-_]+(:[a-z0-9-_.]+)?$/, { error: TEMPLATE_ERROR });

const newSandbox = {
  templateID: TemplateReference,
  timeout: seconds().optional(),
  autoPause: expect.flag().optional(),
  autoPauseMemory: expect.flag().optional(),
  autoResume: z.object({ enabled: expect.flag() }, { error: OBJECT_ERROR }).nullish(),
  allow_internet_access: expect.flag().nullish(),
  network: NetworkBody.nullish(),
  metadata: expect.textMap().optional(),
  envVars: expect.textMap().optional(),
  iam: z.object({ tokens: z.record(z.string(), z.unknown()).nullish() }, { error: OBJECT_ERROR }).nullish(),
  volumeMounts: z.array(z.unknown(), { error: 'expected a list' }).nullish(),
};

/**
 * `NewSandbox` of docs/protocol.md#creating-a-sandbox. Names that no service knows are ignored, as the services do; `mcp` asks
 * nothing of a service.
 */
export const NewSandboxBody = z.object(
  {
    ...newSandbox,
    secure: expect.flag().optional(),
    volumeId: expect.text().optional(),
    volumeMountPath: z
      .string({ error: MOUNT_ERROR })
      .regex(/^\/(workspace|data|mnt|volumes)(\/(?!\.{1,2}(\/|$))[^/]+)+$/, { error: MOUNT_ERROR })
      .optional(),
  },
  { error: OBJECT_ERROR },
);
export type NewSandboxBody = z.infer<typeof NewSandboxBody>;

/** Body of the newer create route, whose sandboxes are always secure. */
export const NewSandboxV2Body = z.object(
  { ...newSandbox, timeout: seconds(1).optional() },
  { error: OBJECT_ERROR },
);

const memory = { memory: expect.flag().nullish() };

export const PauseBody = z.object(memory, { error: OBJECT_ERROR }).default(EMPTY_BODY);

export const ResumeBody = z.object(
  { timeout: seconds().optional(), autoPause: expect.flag().optional(), ...memory },
  { error: OBJECT_ERROR },
);

export const ConnectBody = z.object({ timeout: seconds(), ...memory }, { error: OBJECT_ERROR });

/** Body of the newer connect route, where everything is optional. */
export const ConnectV2Body = z
  .object({ timeout: seconds().optional(), ...memory }, { error: OBJECT_ERROR })
  .default(EMPTY_BODY);

export const TimeoutBody = z.object({ timeout: seconds() }, { error: OBJECT_ERROR });
export const RefreshBody = z
  .object({ duration: expect.integer(0, 3600).optional() }, { error: OBJECT_ERROR })
  .default(EMPTY_BODY);

export const SnapshotBody = z
  .object({ name: TemplateReference.nullish() }, { error: OBJECT_ERROR })
  .default(EMPTY_BODY);

const MAX_FORKS = 100;

export const ForkBody = z
  .object(
    { count: expect.integer(1, MAX_FORKS).optional(), timeout: seconds(1).optional() },
    { error: OBJECT_ERROR },
  )
  .default(EMPTY_BODY);

const tag = z
  .string({ error: 'expected a string' })
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9-_.]+$/, { error: 'expected a tag of letters, digits, -, _ and .' });
const tags = z
  .array(tag, { error: 'expected a list of tags' })
  .min(1, { error: 'expected at least one tag' });

export const AssignTagsBody = z.object({ target: TemplateReference, tags }, { error: OBJECT_ERROR });
export const DeleteTagsBody = z.object({ name: TemplateReference, tags }, { error: OBJECT_ERROR });

export const DemoFleetBody = z.object({ count: expect.integer(1, 500).optional() }, { error: OBJECT_ERROR });
