/** Rows of the printed table: median of ours, median of the reference, ratio and target. */

import type { Figure, Measured } from '../scenarios/scenario.js';
import { median } from './statistics.js';

export interface Row {
  readonly scenario: string;
  readonly figure: string;
  readonly unit: string;
  readonly ours: number;
  readonly reference: number | null;
  readonly ratio: number | null;
  readonly target: NonNullable<Figure['ratioTarget']> | null;
  readonly met: boolean | null;
  /** Lost, refused or wrong pieces of work in all runs of ours. */
  readonly faults: number;
}

export function rowsOf(scenario: string, ours: readonly Measured[], theirs: readonly Measured[]): Row[] {
  const faults = ours.reduce((sum, run) => sum + run.faults, 0);
  return (ours[0]?.figures ?? []).map((figure, index) => {
    const mine = median(ours.map((run) => run.figures[index]?.value ?? Number.NaN));
    const reference =
      theirs.length === 0 ? null : median(theirs.map((run) => run.figures[index]?.value ?? Number.NaN));
    const ratio = reference === null ? null : mine / reference;
    const target = figure.ratioTarget ?? null;
    return {
      scenario,
      figure: figure.name,
      unit: figure.unit,
      ours: mine,
      reference,
      ratio,
      target,
      met: ratio === null || target === null ? null : isMet(ratio, target),
      faults,
    };
  });
}

function isMet(ratio: number, target: NonNullable<Figure['ratioTarget']>): boolean {
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost;
}

export function printTable(rows: readonly Row[]): void {
  const cells = rows.map((row) => [
    row.figure,
    `${format(row.ours)} ${row.unit}`,
    row.reference === null ? '-' : `${format(row.reference)} ${row.unit}`,
    row.ratio === null ? '-' : `${format(row.ratio)}×`,
    row.target === null
      ? ''
      : 'atLeast' in row.target
        ? `≥ ${row.target.atLeast}×`
        : `≤ ${row.target.atMost}×`,
    row.met === null ? '' : row.met ? 'met' : 'MISSED',
  ]);
  const header = ['', 'tideway', 'reference', 'ratio', 'target', ''];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  for (const line of [header, ...cells]) {
    process.stdout.write(`${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`);
  }
  const faults = rows[0]?.faults ?? 0;
  process.stdout.write(faults === 0 ? 'no faults\n' : `FAULTS: ${faults} pieces of work lost or wrong\n`);
}

function format(value: number): string {
  if (!Number.isFinite(value)) return '?';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
