/** The logo: a jar, half full of sand. */
export function Mark({ size = 18 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" className="text-accent">
      <rect x="1.6" y="1.6" width="16.8" height="16.8" rx="4.4" fill="currentColor" opacity="0.25" />
      <path d="M1.6 9.5h16.8V14a4.4 4.4 0 0 1-4.4 4.4H6A4.4 4.4 0 0 1 1.6 14z" fill="currentColor" />
      <rect
        x="1.6"
        y="1.6"
        width="16.8"
        height="16.8"
        rx="4.4"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.3"
      />
    </svg>
  );
}
