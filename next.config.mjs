/** @type {import('next').NextConfig} */
export default {
  poweredByHeader: false,
  reactStrictMode: true,
  agentRules: false,
  // Native or dynamic requires: they stay in node_modules.
  serverExternalPackages: ['libsql', 'pg', 'ws', '@moru-ai/core', 'kysely'],
  devIndicators: false,
};
