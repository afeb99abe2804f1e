'use client';

import { Component, type ReactNode } from 'react';
import { isMissingPart } from '@/lib/answer';
import { reloadPage } from '@/lib/kept-text';
import { checkPage } from '@/lib/page-state';
import { Button } from './button';

type Props = {
  /** What the panel shows, for example `sandboxes`. */
  what: string;
  children: ReactNode;
};

/**
 * Keeps the rest of the page when a panel fails to render, for example because a translator or an extension of the browser
 * has moved its elements. Retrying draws the panel anew.
 */
export class PanelBoundary extends Component<Props, { error: unknown; round: number }> {
  override state = { error: null, round: 0 };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidCatch(error: unknown): void {
    if (isMissingPart(error)) void checkPage();
  }

  override render() {
    const { what, children } = this.props;
    const { error, round } = this.state;
    if (error === null) return <Round key={round}>{children}</Round>;
    const mustReload = isMissingPart(error);
    return (
      <div role="alert" className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-2 px-5 py-3 text-ink-2">
        <span>
          The {what} could not be shown.{' '}
          {mustReload
            ? 'Part of this page could not be loaded.'
            : 'An extension or a translation of the browser may have changed the page.'}
        </span>
        <Button
          onClick={() => (mustReload ? reloadPage() : this.setState({ error: null, round: round + 1 }))}
        >
          {mustReload ? 'Reload page' : 'Retry'}
        </Button>
      </div>
    );
  }
}

/** A new key gives the children new elements. */
function Round({ children }: { children: ReactNode }) {
  return children;
}
