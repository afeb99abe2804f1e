import { LinkButton } from '@/components/ui/link-button';
import { Visible } from '@/components/ui/visible-text';
import { paths } from '@/lib/paths';

/** A provider as the sign-in page shows it. */
export type ProviderWay = { name: string; title: string };

type Props = {
  provider: ProviderWay;
  /** The page to go to afterwards. */
  next: string | null;
  isPrimary: boolean;
};

/** Leads to a provider. A plain link: it works without scripts, and nothing fetches it in advance. */
export function ProviderButton({ provider: { name, title }, next, isPrimary }: Props) {
  return (
    <LinkButton href={paths.signInWith(name, next)} isPrimary={isPrimary}>
      Sign in with <Visible text={title} />
    </LinkButton>
  );
}
