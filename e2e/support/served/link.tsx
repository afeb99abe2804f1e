import { AppRouterContext } from 'next/dist/shared/lib/app-router-context.shared-runtime';
import { type ComponentProps, use } from 'react';

type Props = Omit<ComponentProps<'a'>, 'href'> & {
  href: string | { pathname: string; query: Record<string, string> };
  prefetch?: boolean;
  replace?: boolean;
  scroll?: boolean;
};

/** The link of Next.js, which needs its own router, as a link that navigates with the router of the test. */
export default function Link({
  href: to,
  prefetch: _,
  replace = false,
  scroll: __,
  onClick,
  ...more
}: Props) {
  const router = use(AppRouterContext);
  const href = typeof to === 'string' ? to : `${to.pathname}?${new URLSearchParams(to.query)}`;
  return (
    <a
      {...more}
      href={href}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        if (replace) router?.replace(href);
        else router?.push(href);
      }}
    />
  );
}
