/** @type {import('next').NextConfig} */
export default {
  poweredByHeader: false,
  reactStrictMode: true,
  agentRules: false,
  // Native or dynamic requires: they stay in node_modules.
  serverExternalPackages: ['libsql', 'pg', 'ws', 'kysely', 'undici'],
  devIndicators: false,
  // A page answers 403 with `forbidden.tsx` if the role does not suffice.
  experimental: { authInterrupts: true },
  // No page uses the optimizer, which would read and convert images for anybody.
  images: { unoptimized: true },
  // `npm test` checks types, of the tests too; somebody who starts it need not wait for that.
  typescript: { ignoreBuildErrors: true },
};
