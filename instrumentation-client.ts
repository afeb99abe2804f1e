import { pageQuery } from '@/lib/page-query';

/** Next.js calls it before every navigation, of links, of the router and of the browser's history. */
export function onRouterTransitionStart(_url: string, kind: 'push' | 'replace' | 'traverse'): void {
  pageQuery().navigationBegan(kind);
}
