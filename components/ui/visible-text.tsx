import { clsx } from 'clsx';
import { splitName, type TextShape, visibleParts, visibleText } from '@/lib/visible-text';

type Props = {
  text: string;
  /** `block` keeps line breaks, tabs and spaces. */
  shape?: TextShape;
  className?: string;
  /** The tooltip, for text that may be cut. `true`: the whole text. */
  title?: true | string | undefined;
};

/**
 * Text that we did not write: of a sandbox, a service or a person. Invisible characters are marked, and the text is
 * isolated, so that its direction affects nothing around it. Every such text on screen goes through this component.
 */
export function Visible({ text, shape = 'line', className, title }: Props) {
  const tooltip = title === true ? text : title;
  return (
    <bdi
      translate="no"
      className={clsx(shape === 'block' && '[unicode-bidi:plaintext]', className)}
      title={tooltip === undefined ? undefined : visibleText(tooltip, shape)}
    >
      <Signs text={text} shape={shape} />
    </bdi>
  );
}

type NameProps = { name: string; className?: string };

/** A file name from a sandbox on one line, shortened before its extension. */
export function FileName({ name, className }: NameProps) {
  const [head, tail] = splitName(name);
  return (
    <bdi
      translate="no"
      className={clsx('inline-flex min-w-0 max-w-full whitespace-pre', className)}
      title={visibleText(name)}
    >
      <span className="truncate">
        <Signs text={head} />
      </span>
      {tail === '' ? null : (
        <span className="shrink-0">
          <Signs text={tail} />
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
      translate="no"
      className={clsx('inline-flex min-w-0 max-w-full whitespace-pre', className)}
      title={visibleText(path)}
    >
      <span className={clsx('truncate', name !== '' && 'text-ink-2')}>
        <Signs text={path.slice(0, at)} />
      </span>
      {name === '' ? null : (
        <span className="max-w-full shrink-0 truncate">
          <Signs text={name} />
        </span>
      )}
    </bdi>
  );
}

/** The parts of one text that its caller isolates, such as the tokens of highlighted code. */
export function Signs({ text, shape = 'line' }: { text: string; shape?: TextShape }) {
  const parts = visibleParts(text, shape);
  if (parts.length === 1 && parts[0]?.standsFor === null) return parts[0].text;
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
