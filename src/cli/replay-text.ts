/** What `sluice replay` prints. */
import { latencySteps, type MessageReport, type ReplayReport } from '../recording/index.ts'

/** Changes of one message that are shown. */
const shownChanges = 20

/** The report for people. */
export function formatReplay(target: string, report: ReplayReport): string {
  const { sent, duration, lag } = report
  const perSecond = duration === 0 ? 0 : Math.round((sent * 1000) / duration)
  return [
    `${target}: ${sent} sent in ${(duration / 1000).toFixed(1)} s, ${perSecond} a second, at most ${lag.toFixed(0)} ms behind their times`,
    '',
    ...formatMessages(report.messages),
    ...report.messages.flatMap(formatChanges),
    ...formatLatencies(report),
    '',
    verdict(report),
  ].join('\n')
}

function verdict({ same, different, failed, unanswered }: ReplayReport): string {
  const rest = unanswered === 0 ? '' : `, ${unanswered} without a recorded answer`
  return `${same} same, ${different} different, ${failed} failed${rest}`
}

function formatMessages(messages: readonly MessageReport[]): string[] {
  const head = ['message', 'sent', 'same', 'different', 'failed', 'no recorded answer']
  const rows = messages.map((each) => [
    each.message,
    ...[each.sent, each.same, each.different, each.failed, each.unanswered].map(String),
  ])
  return table([head, ...rows])
}

function formatChanges({ message, changes, otherChanges, statuses }: MessageReport): string[] {
  if (changes.length === 0 && statuses.size === 0) return []
  const rest = changes.slice(shownChanges).reduce((sum, { count }) => sum + count, otherChanges)
  const rows = changes
    .slice(0, shownChanges)
    .map(({ variable, before, after, count }) => [
      `  ${variable}`,
      `${before ?? 'nothing'} -> ${after ?? 'nothing'}`,
      String(count),
    ])
  const failures = [...statuses].map(([status, count]) => ['  failed', `status ${status}`, String(count)])
  return [
    '',
    message,
    ...table([...rows, ...failures]),
    ...(rest === 0 ? [] : [`  and ${rest} other changes`]),
  ]
}

function formatLatencies({ recorded, replayed }: ReplayReport): string[] {
  if (recorded.count === 0) return []
  const both = [recorded, replayed]
  const quantiles = (['p50', 'p90', 'p99', 'max'] as const).map((name) => [
    name,
    ...both.map((summary) => summary[name].toFixed(3)),
  ])
  const bounds = [...latencySteps.map((step) => `<= ${step}`), `> ${latencySteps.at(-1) ?? 0}`]
  const steps = bounds.flatMap((bound, at) => {
    const counts = both.map((summary) => summary.counts[at] ?? 0)
    return counts.every((count) => count === 0) ? [] : [[bound, ...counts.map(String)]]
  })
  return ['', ...table([['answer after, ms', 'recorded', 'now'], ...quantiles, ...steps])]
}

/** The first column to the left, the last ones to the right, so that numbers stand below each other. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return rows.map((row) =>
    row
      .map((cell, at) =>
        at === 0 || /->|status/.test(cell) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

/** The report for programs: maps become objects. */
export function toReplayJson(
  files: readonly string[],
  target: string,
  report: ReplayReport,
  remarks: readonly string[],
): object {
  const messages = report.messages.map((each) => ({ ...each, statuses: Object.fromEntries(each.statuses) }))
  return { files, target, remarks, latencySteps, ...report, messages }
}
