import { isIP } from 'node:net';
import { z } from 'zod';
import { expect } from '../validation';

const seconds = () => expect.integer(0);
const TEMPLATE_ERROR = 'expected a template id or alias of letters, digits, - and _';
const MOUNT_ERROR = 'expected a clean path below /workspace/, /data/, /mnt/ or /volumes/';
const OBJECT_ERROR = 'expected a JSON object';

function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (prefix === undefined || (/^\d+$/.test(prefix) && +prefix <= bits))
  );
}

const NetworkBody = z
  .object({
    allowOut: expect.textList().optional(),
    denyOut: z
      .array(z.string().refine(isAddressRange, { error: 'expected an IP address or CIDR range' }))
      .optional(),
    allowPublicTraffic: expect.flag().optional(),
    maskRequestHost: z
      .string({ error: 'expected a string' })
      .regex(/^[!-~]+$/, { error: 'expected a host of ASCII characters' })
      .optional(),
  })
  .refine(
    ({ allowOut = [], denyOut = [] }) => allowOut.every(isAddressRange) || denyOut.includes('0.0.0.0/0'),
    { path: ['allowOut'], error: 'expected 0.0.0.0/0 in denyOut if it contains domains' },
  );

/** `NewSandbox` of docs/protocol.md#creating-a-sandbox, without the unknown fields that newer SDKs send. */
export const NewSandboxBody = z.object(
  {
    templateID: z
      .string({ error: TEMPLATE_ERROR })
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9-_]+$/, { error: TEMPLATE_ERROR }),
    timeout: seconds().optional(),
    autoPause: expect.flag().optional(),
    secure: expect.flag().optional(),
    allow_internet_access: expect.flag().optional(),
    network: NetworkBody.nullish(),
    metadata: expect.textMap().optional(),
    envVars: expect.textMap().optional(),
    volumeId: expect.text().optional(),
    volumeMountPath: z
      .string({ error: MOUNT_ERROR })
      .regex(/^\/(workspace|data|mnt|volumes)(\/(?!\.{1,2}(\/|$))[^/]+)+$/, { error: MOUNT_ERROR })
      .optional(),
  },
  { error: OBJECT_ERROR },
);
export type NewSandboxBody = z.infer<typeof NewSandboxBody>;

export const ResumeBody = z.object(
  { timeout: seconds().optional(), autoPause: expect.flag().optional() },
  { error: OBJECT_ERROR },
);
export const ConnectBody = z.object({ timeout: seconds() }, { error: OBJECT_ERROR });
/** Body of the newer connect route, where the timeout is optional. */
export const OpenConnectBody = z.object({ timeout: seconds().optional() }, { error: OBJECT_ERROR });
export const TimeoutBody = z.object({ timeout: seconds() }, { error: OBJECT_ERROR });
export const RefreshBody = z.object(
  { duration: expect.integer(0, 3600).optional() },
  { error: OBJECT_ERROR },
);
export const DemoFleetBody = z.object({ count: expect.integer(1, 500).optional() }, { error: OBJECT_ERROR });
