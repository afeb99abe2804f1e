/** Sample files by template and path, for trying out previews and archives on a new sandbox. */
const FILES: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  python: () => ({
    'home/user/README.md': NOTEBOOK_README,
    'home/user/data/events.csv': eventsAsCsv(EVENTS),
    'home/user/notebooks/events.ipynb': asJson(NOTEBOOK),
    'home/user/src/summarise.py': SUMMARISE,
    'home/user/out/summary.json': asJson(SUMMARY),
    'home/user/out/by-day.svg': barChart([38, 41, 57, 52, 64, 23, 19]),
    'home/user/logs/run.log': RUN_LOG,
  }),
  'code-runner': () => ({
    'home/user/work/TASK.md': TASK,
    'home/user/work/pyproject.toml': PROJECT,
    'home/user/work/invoice.py': INVOICE,
    'home/user/work/test_invoice.py': INVOICE_TEST,
    'home/user/work/report.json': asJson(REPORT),
    'home/user/.agent/plan.md': PLAN,
  }),
  'browser-use': () => ({
    'home/user/walk/steps.md': STEPS,
    'home/user/walk/timings.csv': TIMINGS,
    'home/user/walk/result.json': asJson(WALK),
    'home/user/walk/reloads.svg': barChart([1, 0, 2, 1, 4, 1]),
  }),
};

/** The initial files of a template, by path relative to the root. */
export function filesOfTemplate(templateId: string): Readonly<Record<string, string>> {
  return Object.hasOwn(FILES, templateId) ? (FILES[templateId]?.() ?? {}) : {};
}

const asJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const NOTEBOOK_README = `# Events of a week

| Folder | Holds |
| --- | --- |
| \`data/\` | raw events, one per line |
| \`notebooks/\` | analysis |
| \`src/\` | script that writes \`out/summary.json\` |

Run it again with:

\`\`\`sh
python3 src/summarise.py data/events.csv out/summary.json
\`\`\`

- [x] count by kind
- [ ] explain the dip at the weekend
`;

type Event = { at: string; kind: string; customer: string; amount: string };

const KINDS = ['signed_up', 'opened', 'ordered', 'paid', 'cancelled'] as const;
const EVENTS: readonly Event[] = Array.from({ length: 240 }, (_, index) => ({
  at: new Date(Date.UTC(2026, 0, 5, 6, index * 40)).toISOString(),
  kind: KINDS[(index * 7) % KINDS.length] ?? KINDS[0],
  customer: `C-${10_000 + ((index * 7_919) % 900)}`,
  amount: (((index * 4_211) % 9_000) / 100).toFixed(2),
}));

function eventsAsCsv(events: readonly Event[]): string {
  const lines = events.map(({ at, kind, customer, amount }) => `${at},${kind},${customer},${amount}`);
  return `at,kind,customer,amount\n${lines.join('\n')}\n`;
}

const SUMMARY = Object.fromEntries(
  KINDS.map((kind) => [kind, EVENTS.filter((event) => event.kind === kind).length]),
);

const SUMMARISE = `"""Counts events by kind."""

import collections
import csv
import json
import sys


def summarise(path: str) -> dict[str, int]:
    with open(path, newline="") as file:
        kinds = collections.Counter(row["kind"] for row in csv.DictReader(file))
    return dict(kinds)


if __name__ == "__main__":
    source, target = sys.argv[1:3]
    with open(target, "w") as out:
        json.dump(summarise(source), out, indent=2)
`;

const RUN_LOG = [
  '06:00:01 INFO  reading data/events.csv',
  `06:00:01 INFO  ${EVENTS.length} events`,
  '06:00:02 WARN  3 events without a customer skipped',
  '06:00:02 INFO  wrote out/summary.json',
  '',
].join('\n');

const NOTEBOOK = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { language_info: { name: 'python' } },
  cells: [
    {
      cell_type: 'markdown',
      id: 'a1',
      metadata: {},
      source: ['# Events of a week\n', 'Counts by kind.'],
    },
    {
      cell_type: 'code',
      id: 'a2',
      metadata: {},
      execution_count: 1,
      source: [
        'import csv, collections\n',
        'rows = list(csv.DictReader(open("../data/events.csv")))\n',
        'len(rows)',
      ],
      outputs: [
        {
          output_type: 'execute_result',
          execution_count: 1,
          metadata: {},
          data: { 'text/plain': [String(EVENTS.length)] },
        },
      ],
    },
    {
      cell_type: 'code',
      id: 'a3',
      metadata: {},
      execution_count: 2,
      source: ['collections.Counter(row["kind"] for row in rows)'],
      outputs: [
        {
          output_type: 'execute_result',
          execution_count: 2,
          metadata: {},
          data: {
            'text/plain': [
              `Counter({${Object.entries(SUMMARY)
                .map(([kind, count]) => `'${kind}': ${count}`)
                .join(', ')}})`,
            ],
          },
        },
      ],
    },
  ],
};

const TASK = `# Task

Reproduce the rounding difference between the invoice preview and the booked invoice for customers with more than one
tax rate, and document which of the two is correct.

## Findings

1. The preview rounds **each line**, the booking rounds **each tax rate**.
2. For 19 % and 7 % on one invoice the two differ by at most one cent per line.
`;

const PLAN = `- [x] Find the rounding of the preview
- [x] Find the rounding of the booking
- [x] Write a failing test
- [ ] Ask which one the law requires
`;

const PROJECT = `[project]
name = "invoice-rounding"
version = "0.1.0"
requires-python = ">=3.11"

[tool.pytest.ini_options]
addopts = "-q"
`;

const INVOICE = `"""Two ways to round the tax of an invoice."""

from collections import defaultdict
from typing import NamedTuple


class Line(NamedTuple):
    cents: int
    tax_percent: int


def preview_cents(lines: list[Line]) -> int:
    """Total in the preview: rounds each line."""
    return sum(round(line.cents * (1 + line.tax_percent / 100)) for line in lines)


def booked_cents(lines: list[Line]) -> int:
    """Booked total: rounds once per tax rate."""
    by_rate: dict[int, int] = defaultdict(int)
    for line in lines:
        by_rate[line.tax_percent] += line.cents
    return sum(round(cents * (1 + rate / 100)) for rate, cents in by_rate.items())
`;

const INVOICE_TEST = `import invoice


def test_three_equal_lines():
    lines = [invoice.Line(133, 19)] * 3
    assert invoice.preview_cents(lines) == 474
    assert invoice.booked_cents(lines) == 475
`;

const REPORT = {
  invoices: 1_284,
  differing: 97,
  largestDifferenceCents: 3,
  examples: [
    { invoice: 'R-2026-00412', preview: 10_115, booked: 10_114 },
    { invoice: 'R-2026-00733', preview: 58_402, booked: 58_405 },
  ],
};

const STEPS = `# Checkout as a new customer

1. **Home** – one reload, from the consent banner.
2. **Search** – none.
3. **Basket** – two, one per voucher.
4. **Address** – one.
5. **Payment** – *four*: each change of the payment method reloads the page.
6. **Confirmation** – one.

> The gift card is accepted only before the address step.
`;

const TIMINGS = `step,reloads,seconds
home,1,1.9
search,0,0.7
basket,2,3.4
address,1,2.2
payment,4,9.8
confirmation,1,1.6
`;

const WALK = {
  outcome: 'ordered',
  order: 'O-2026-31877',
  reloads: 9,
  seconds: 19.6,
  problems: ['The gift card is rejected after the address step.'],
};

function barChart(values: readonly number[]): string {
  const max = Math.max(1, ...values);
  const bars = values.map((value, index) => {
    const height = Math.round((value / max) * 100);
    return `  <rect x="${16 + index * 36}" y="${116 - height}" width="24" height="${height}" rx="3" fill="#0b6e66" />`;
  });
  const width = 20 + values.length * 36;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 132" width="${width * 2}" height="264">`,
    ...bars,
    `  <path d="M8 116.5h${width - 16}" stroke="#787164" />`,
    '</svg>',
    '',
  ].join('\n');
}
