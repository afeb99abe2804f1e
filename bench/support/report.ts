const DIGITS = 3;

/** Prints one figure as a JSON line. */
export function report(bench: string, figure: string, value: number, unit: string): void {
  process.stdout.write(`${JSON.stringify({ bench, figure, value: Number(value.toFixed(DIGITS)), unit })}\n`);
}
