'use client';

/** Offers the changes that were held back while the pointer was over the rows. */
export function HeldNews({
  arrived,
  gone,
  onUpdate,
  onHold,
}: {
  arrived: number;
  gone: number;
  onUpdate: () => void;
  /** Keeps the rows held while the pointer is on this button instead of on them. */
  onHold: (held: boolean) => void;
}) {
  if (arrived === 0 && gone === 0) return null;
  const changes = [arrived > 0 ? `${arrived} new` : '', gone > 0 ? `${gone} gone` : '']
    .filter(Boolean)
    .join(', ');
  return (
    <div className="relative z-30 h-0">
      <button
        type="button"
        onClick={onUpdate}
        onPointerEnter={() => onHold(true)}
        onPointerLeave={() => onHold(false)}
        className="-translate-x-1/2 absolute top-9 left-1/2 rounded-full border border-line bg-raise px-3 py-0.5 text-small shadow-float"
      >
        {changes} · <span className="text-accent">Update</span>
      </button>
    </div>
  );
}
