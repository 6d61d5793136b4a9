/** Findings as text. */
import type { Finding, RunResult } from './runner.ts'

/** What follows from the first differences says little more. */
const shown = 10

export function showFinding(
  { kind, case: number, differences, setup, sent, note }: Finding,
  seed: number,
): string {
  const indent = (text: string) => text.replaceAll('\n', '\n             ')
  return [
    `\n=== ${kind} ${number} (--kind ${kind} --seed ${seed} --only ${number}) ${note}`,
    ...differences
      .slice(0, shown)
      .map(
        ({ where, theirs, ours }) =>
          `  ${where}\n    haproxy: ${indent(JSON.stringify(theirs))}\n    sluice:  ${indent(JSON.stringify(ours))}`,
      ),
    '--- configuration',
    setup,
    '--- traffic',
    sent,
  ].join('\n')
}

export function showResult(name: string, result: RunResult): string {
  const known = [...result.known].map(([each, count]) => `\n  known: ${each} (${count})`).join('')
  return (
    `\n${name}: ${result.cases} sequences, ${result.different} differ, ${result.unsteady} differed once only, ` +
    `${result.refused} configurations refused${known}`
  )
}
