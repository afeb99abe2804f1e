import { LinkTabs } from '@/components/ui/link-tabs';
import { paths } from '@/lib/paths';

const TABS = [
  { key: 'operations', name: 'Operations', href: paths.operations() },
  { key: 'access', name: 'Access', href: paths.access() },
] as const;
type Tab = (typeof TABS)[number]['key'];

/** What is recorded: what was done to sandboxes, and who looked into them. */
export function RecordTabs({ tab }: { tab: Tab }) {
  return (
    <div className="border-line border-b">
      <LinkTabs label="Records" isTall tabs={TABS} current={tab} />
    </div>
  );
}
