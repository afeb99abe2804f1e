/** The health check, `{ ok: true }`. Requires no session. */
export function GET(): Response {
  return Response.json({ ok: true }, { headers: { 'cache-control': 'no-store' } });
}
