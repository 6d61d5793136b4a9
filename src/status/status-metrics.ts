/** What a status port adds to the metrics of its subject: readiness, sources, verdicts, the process. */
import type { CheckState, SourceState } from './readings.ts'
import { Exposition } from './exposition.ts'
import { exposeProcess } from './process-reading.ts'
import type { StatusSnapshot } from './snapshot.ts'
import type { SourceNames, StatusSubject } from './subject.ts'

/** The whole text of `/metrics`. */
export function formatStatusMetrics(
  subject: StatusSubject,
  snapshot: StatusSnapshot,
  withProcess: boolean,
): string {
  const { prefix, source } = subject
  const out = new Exposition()
  out.text = subject.metrics()
  exposeChecks(out, snapshot.checks, prefix)
  exposeSources(out, snapshot.sources, `${prefix}_${source.family}`, source)
  exposeVerdicts(out, snapshot, prefix)
  if (withProcess) exposeProcess(out, snapshot.process)
  return out.text
}

function exposeChecks(out: Exposition, checks: readonly CheckState[], prefix: string): void {
  const name = `${prefix}_check`
  out.family(name, 'gauge', 'What must hold for /readyz, 1 when it does.')
  for (const { name: check, ok } of checks) out.sample(name, ok ? 1 : 0, { check })
}

function exposeSources(
  out: Exposition,
  sources: readonly SourceState[],
  family: string,
  { label, what }: SourceNames,
): void {
  if (sources.length === 0) return
  out.family(`${family}_ok`, 'gauge', `Whether ${what} is as it should be.`)
  for (const { name, ok } of sources) out.sample(`${family}_ok`, ok ? 1 : 0, { [label]: name })
  const aged = sources.flatMap(({ name, fields: { ageSeconds } }) =>
    typeof ageSeconds === 'number' ? [{ name, ageSeconds }] : [],
  )
  if (aged.length > 0) out.family(`${family}_age_seconds`, 'gauge', 'The age of the data.')
  for (const { name, ageSeconds } of aged) out.sample(`${family}_age_seconds`, ageSeconds, { [label]: name })
  out.family(family, 'gauge', `Everything else that ${what} says in numbers.`)
  for (const { name, fields } of sources) {
    for (const [field, value] of Object.entries(fields)) {
      if (typeof value === 'string' || field === 'ageSeconds' || field === 'ok') continue
      out.sample(family, Number(value), { [label]: name, field })
    }
  }
}

function exposeVerdicts(out: Exposition, { rows, verdict, subject }: StatusSnapshot, prefix: string): void {
  // A proxy's responses are among its own metrics.
  if (verdict === null || subject.kind === 'proxy') return
  const name = `${prefix}_verdicts_total`
  out.family(name, 'counter', `What ${verdict} was set to.`)
  for (const { name: row, verdicts } of rows) {
    for (const [value, count] of Object.entries(verdicts))
      out.sample(name, count, { [subject.row]: row, value })
  }
}
