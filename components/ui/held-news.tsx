'use client';

/** What has changed while the rows stood still under the pointer. */
export function HeldNews({
  arrived,
  gone,
  onUpdate,
  onHold,
}: {
  arrived: number;
  gone: number;
  onUpdate: () => void;
  /** On its way here the pointer leaves the rows; they must go on standing still until this is clicked. */
  onHold: (held: boolean) => void;
}) {
  if (arrived === 0 && gone === 0) return null;
  const news = [arrived > 0 ? `${arrived} new` : '', gone > 0 ? `${gone} gone` : '']
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
        {news} since you are pointing here · <span className="text-accent">show</span>
      </button>
    </div>
  );
}
