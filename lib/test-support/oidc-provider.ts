import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import Provider, { type ClientMetadata, type Configuration } from 'oidc-provider';

/** An account at the provider. Its claims are in the ID token and in userinfo. */
export type TestAccount = { claims?: Record<string, unknown>; isDisabled?: boolean };

type Options = {
  /** The origins of the Sandkeepers that use it. */
  origins: readonly string[];
  port?: number;
  configuration?: Configuration;
  client?: Partial<ClientMetadata>;
};

/** Changes a token before it is signed. */
type Edit = (claims: JWTPayload) => JWTPayload;

const CLIENT_ID = 'sandkeeper';
export const CLIENT_SECRET = 'a secret of the client at the provider';
const KEY_ID = 'key-1';

/** A real OpenID Connect provider on loopback. */
export class TestProvider {
  readonly accounts = new Map<string, TestAccount>();
  /** Who signs in without being asked. `null`: a page asks for the name of the account. */
  signsInAs: string | null = null;
  /** Answers requests instead of the provider, by path. */
  readonly answers = new Map<string, (req: IncomingMessage, res: ServerResponse) => void>();
  editIdToken: Edit | null = null;
  /** Requests so far, as `METHOD /path`. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #sign: (claims: JWTPayload, header?: { alg?: string; typ?: string }) => Promise<string>;
  readonly #foreignSign: (claims: JWTPayload) => Promise<string>;

  private constructor(
    readonly issuer: string,
    server: Server,
    signers: [TestProvider['sign'], (claims: JWTPayload) => Promise<string>],
  ) {
    this.#server = server;
    [this.#sign, this.#foreignSign] = signers;
  }

  static async start({ origins, port = 0, configuration, client }: Options): Promise<TestProvider> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [key, foreign] = [await newKey(), await newKey()];
    const started = new TestProvider(issuer, server, [key.sign, foreign.sign]);
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          redirect_uris: origins.map((origin) => `${origin}/sign-in/callback`),
          post_logout_redirect_uris: origins.map((origin) => `${origin}/sign-in`),
          grant_types: ['authorization_code', 'refresh_token'],
          ...client,
        },
      ],
      jwks: { keys: [key.jwk] },
      cookies: { keys: ['a key of the tests'] },
      claims: {
        openid: ['sub', 'sid'],
        profile: ['name'],
        email: ['email', 'email_verified'],
        groups: ['groups'],
      },
      scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
      conformIdTokenClaims: false,
      features: {
        devInteractions: { enabled: false },
        backchannelLogout: { enabled: true },
        revocation: { enabled: true },
        // Confirms the sign-out by itself.
        rpInitiatedLogout: {
          enabled: true,
          logoutSource: (ctx, form) => {
            const confirmed = form.replace(
              '</form>',
              '<input type="hidden" name="logout" value="yes"></form>',
            );
            ctx.body = `<!doctype html><title>Sign out</title>${confirmed}<script>document.forms[0].submit()</script>`;
          },
        },
      },
      ttl: {
        AccessToken: 3_600,
        Grant: 86_400,
        IdToken: 3_600,
        Interaction: 600,
        RefreshToken: 86_400,
        Session: 86_400,
      },
      issueRefreshToken: async () => true,
      rotateRefreshToken: true,
      pkce: { required: () => true },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      findAccount: async (_, accountId) => {
        const account = started.accounts.get(accountId);
        if (account === undefined || account.isDisabled) return undefined;
        return { accountId, claims: async () => ({ sub: accountId, ...account.claims }) };
      },
      loadExistingGrant: async (ctx) => {
        const grant = new ctx.oidc.provider.Grant({
          clientId: CLIENT_ID,
          accountId: ctx.oidc.session?.accountId ?? '',
        });
        grant.addOIDCScope('openid profile email groups offline_access');
        await grant.save();
        return grant;
      },
      ...configuration,
    });
    provider.use(async (ctx, next) => {
      await next();
      const body = ctx.body as { id_token?: string } | undefined;
      if (started.editIdToken === null || typeof body?.id_token !== 'string') return;
      const claims: JWTPayload = JSON.parse(
        Buffer.from(body.id_token.split('.')[1] ?? '', 'base64url').toString('utf8'),
      );
      body.id_token = await started.#sign(started.editIdToken(claims));
    });
    const serve = provider.callback();
    server.on('request', (req, res) => {
      const path = req.url?.split('?')[0] ?? '';
      started.requests.push(`${req.method} ${path}`);
      const answer = started.answers.get(path);
      if (answer) answer(req, res);
      else if (path.startsWith('/interaction/')) void started.#interact(provider, req, res);
      else void serve(req, res);
    });
    return started;
  }

  /** The settings of a Sandkeeper that signs people in here. */
  settings(grants: string): Record<string, string> {
    return {
      SANDKEEPER_OIDC_ISSUER: this.issuer,
      SANDKEEPER_OIDC_CLIENT_ID: CLIENT_ID,
      SANDKEEPER_OIDC_CLIENT_SECRET: CLIENT_SECRET,
      SANDKEEPER_OIDC_NAME: 'Acme',
      SANDKEEPER_OIDC_SCOPES: 'openid profile email groups',
      SANDKEEPER_OIDC_GRANTS: grants,
    };
  }

  /** Signs a token with the key of the provider. */
  sign(claims: JWTPayload, header?: { alg?: string; typ?: string }): Promise<string> {
    return this.#sign(claims, header);
  }

  /** Signs a token with a key that the provider does not publish. */
  signForeign(claims: JWTPayload): Promise<string> {
    return this.#foreignSign(claims);
  }

  /** Goes through the provider as a browser would, and returns the address that it sends the person back to. */
  async visit(url: string | URL): Promise<URL> {
    const cookies = new Map<string, string>();
    let next = new URL(url);
    for (let steps = 0; steps < 10; steps += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(next, { redirect: 'manual', headers: { cookie } });
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
      }
      const location = response.headers.get('location');
      if (location === null)
        throw new Error(`The provider answered ${response.status}: ${await response.text()}`);
      next = new URL(location, next);
      if (next.origin !== this.issuer) return next;
    }
    throw new Error('The provider redirects without end.');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #interact(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const accountId = req.method === 'POST' ? (await formOf(req)).get('account') : this.signsInAs;
      if (accountId) {
        await provider.interactionFinished(req, res, { login: { accountId } });
        return;
      }
      await provider.interactionDetails(req, res);
      res.setHeader('content-type', 'text/html');
      res.end(
        '<!doctype html><title>Acme</title><form method="post"><label>Account <input name="account" autofocus></label><button>Continue</button></form>',
      );
    } catch (error) {
      res.statusCode = 500;
      res.end(String(error));
    }
  }
}

async function formOf(req: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

async function newKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' };
  const sign = (claims: JWTPayload, header: { alg?: string; typ?: string } = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: KEY_ID, ...header }).sign(privateKey);
  return { jwk, sign };
}
