import { z } from 'zod';
import { expect, fields } from '../validation';
import { NetworkBody } from './network';

const seconds = (min = 0) => expect.integer(min);

const TEMPLATE_ERROR = 'expected a template id or alias of letters, digits, - and _';
const MOUNT_ERROR = 'expected a clean path below /workspace/, /data/, /mnt/ or /volumes/';
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
  autoResume: fields({ enabled: expect.flag() }).nullish(),
  allow_internet_access: expect.flag().nullish(),
  network: NetworkBody.nullish(),
  metadata: expect.textMap().optional(),
  envVars: expect.textMap().optional(),
  iam: fields({ tokens: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  /** Asks nothing of a service, which only counts it. */
  mcp: z.unknown().optional(),
  volumeMounts: z.array(z.unknown(), { error: 'expected a list' }).nullish(),
};

/** `NewSandbox` of docs/protocol.md#creating-a-sandbox. */
export const NewSandboxBody = fields({
  ...newSandbox,
  secure: expect.flag().optional(),
  volumeId: expect.text().optional(),
  volumeMountPath: z
    .string({ error: MOUNT_ERROR })
    .regex(/^\/(workspace|data|mnt|volumes)(\/(?!\.{1,2}(\/|$))[^/]+)+$/, { error: MOUNT_ERROR })
    .optional(),
});
export type NewSandboxBody = z.infer<typeof NewSandboxBody>;

/** Body of the newer create route, whose sandboxes are always secure. */
export const NewSandboxV2Body = fields({
  ...newSandbox,
  timeout: seconds(1).optional(),
  secure: z
    .literal(true, { error: 'expected true: the sandboxes of this route are always secure' })
    .optional(),
});

const memory = { memory: expect.flag().nullish() };
/** envd is part of the engine and always answers, so a healthy guest is no condition. */
export const PauseBody = fields({ ...memory, requireHealthyGuest: expect.flag().nullish() }).default(
  EMPTY_BODY,
);
export const ResumeBody = fields({
  timeout: seconds().optional(),
  autoPause: expect.flag().optional(),
  ...memory,
});
export const ConnectBody = fields({ timeout: seconds(), ...memory });
/** Body of the newer connect route, where everything is optional. */
export const ConnectV2Body = fields({ timeout: seconds().optional(), ...memory }).default(EMPTY_BODY);
export const TimeoutBody = fields({ timeout: seconds() });
export const RefreshBody = fields({ duration: expect.integer(0, 3600).optional() }).default(EMPTY_BODY);

export const SnapshotBody = fields({
  name: TemplateReference.nullish(),
  memory: z
    .literal(false, { error: 'expected false: a snapshot of the local engine has the files alone' })
    .nullish(),
}).default(EMPTY_BODY);

const MAX_FORKS = 100;

export const ForkBody = fields({
  count: expect.integer(1, MAX_FORKS).optional(),
  timeout: seconds(1).optional(),
}).default(EMPTY_BODY);

const tag = z
  .string({ error: 'expected a string' })
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9-_.]+$/, { error: 'expected a tag of letters, digits, -, _ and .' });
const tags = z
  .array(tag, { error: 'expected a list of tags' })
  .min(1, { error: 'expected at least one tag' });

export const AssignTagsBody = fields({ target: TemplateReference, tags });
export const DeleteTagsBody = fields({ name: TemplateReference, tags });

export const DemoFleetBody = fields({ count: expect.integer(1, 500).optional() });
