import { clsx } from 'clsx';
import { splitName, visibleParts, visibleText } from '@/lib/sandbox/visible-name';

type Props = {
  name: string;
  className?: string;
};

/**
 * A file name from a sandbox on one line. It is isolated from the text around it, marks invisible and bidirectional
 * characters, and is shortened before its extension.
 */
export function FileName({ name, className }: Props) {
  const [head, tail] = splitName(name);
  return (
    <bdi
      className={clsx('inline-flex min-w-0 max-w-full whitespace-pre', className)}
      title={visibleText(name)}
    >
      <span className="truncate">
        <Visible text={head} />
      </span>
      {tail === '' ? null : (
        <span className="shrink-0">
          <Visible text={tail} />
        </span>
      )}
    </bdi>
  );
}

/** A path from a sandbox, shown like `FileName`. Its folders are shortened before its name. */
export function FilePath({ path, className }: { path: string; className?: string }) {
  const at = path.lastIndexOf('/') + 1;
  const name = path.slice(at);
  return (
    <bdi
      className={clsx('inline-flex min-w-0 max-w-full whitespace-pre', className)}
      title={visibleText(path)}
    >
      <span className={clsx('truncate', name !== '' && 'text-ink-2')}>
        <Visible text={path.slice(0, at)} />
      </span>
      {name === '' ? null : (
        <span className="max-w-full shrink-0 truncate">
          <Visible text={name} />
        </span>
      )}
    </bdi>
  );
}

/** Untrusted text with every invisible character marked. */
export function Visible({ text }: { text: string }) {
  const parts = visibleParts(text);
  if (parts.length === 1 && parts[0]?.standsFor === null) return text;
  return parts.map(({ text, standsFor }, index) =>
    standsFor === null ? (
      text
    ) : (
      <span
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never change order.
        key={index}
        title={standsFor}
        className="rounded-xs bg-paused-soft text-paused"
      >
        {text}
      </span>
    ),
  );
}
