import '@fontsource-variable/geist/index.css';
import '@fontsource-variable/geist-mono/index.css';
import './globals.css';
import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import type { ReactNode } from 'react';
import { Providers } from '@/components/shell/providers';
import { parseTheme, THEME_COOKIE } from '@/components/ui/theme';
import { buildId } from '@/lib/build-id';

export const metadata: Metadata = {
  title: { default: 'Sandkeeper', template: '%s · Sandkeeper' },
  icons: { icon: '/favicon.svg', apple: '/apple-touch-icon.png' },
  manifest: '/site.webmanifest',
  robots: { index: false, follow: false },
};

/** The keyboard on a touch screen makes the page smaller, so that it does not cover the line that is typed. */
export const viewport: Viewport = { interactiveWidget: 'resizes-content' };

export default async function RootLayout({ children }: { children: ReactNode }) {
  const theme = parseTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <html lang="en" data-theme={theme === 'system' ? undefined : theme} suppressHydrationWarning>
      <body>
        <Providers build={buildId()}>{children}</Providers>
      </body>
    </html>
  );
}
