/** What a status port adds to the metrics of its subject: readiness, sources, verdicts, the process. */
import type { CheckState, SourceState } from './readings.ts'
import { Exposition } from './exposition.ts'
import { exposeProcess } from './process-reading.ts'
import type { StatusSnapshot } from './snapshot.ts'

/** The whole text of `/metrics`. */
export function formatStatusMetrics(
  own: string,
  snapshot: StatusSnapshot,
  prefix: string,
  withProcess: boolean,
): string {
  const out = new Exposition()
  out.text = own
  exposeChecks(out, snapshot.checks, prefix)
  exposeSources(out, snapshot.sources, prefix)
  exposeVerdicts(out, snapshot, prefix)
  if (withProcess) exposeProcess(out, snapshot.process)
  return out.text
}

function exposeChecks(out: Exposition, checks: readonly CheckState[], prefix: string): void {
  const name = `${prefix}_check`
  out.family(name, 'gauge', 'What must hold for /readyz, 1 when it does.')
  for (const { name: check, ok } of checks) out.sample(name, ok ? 1 : 0, { check })
}

function exposeSources(out: Exposition, sources: readonly SourceState[], prefix: string): void {
  if (sources.length === 0) return
  out.family(`${prefix}_data_ok`, 'gauge', 'Whether a list, a database or a store is as it should be.')
  for (const { name, ok } of sources) out.sample(`${prefix}_data_ok`, ok ? 1 : 0, { source: name })
  out.family(`${prefix}_data_age_seconds`, 'gauge', 'The age of the data.')
  for (const { name, fields } of sources) {
    const age = fields['ageSeconds']
    if (typeof age === 'number') out.sample(`${prefix}_data_age_seconds`, age, { source: name })
  }
  out.family(`${prefix}_data`, 'gauge', 'Everything else that sources say in numbers.')
  for (const { name, fields } of sources) {
    for (const [field, value] of Object.entries(fields)) {
      if (typeof value === 'string' || field === 'ageSeconds' || field === 'ok') continue
      out.sample(`${prefix}_data`, Number(value), { source: name, field })
    }
  }
}

function exposeVerdicts(out: Exposition, { rows, verdict, subject }: StatusSnapshot, prefix: string): void {
  if (verdict === null) return
  const name = `${prefix}_verdicts_total`
  out.family(name, 'counter', `What ${verdict} was set to.`)
  for (const { name: row, verdicts } of rows) {
    for (const [value, count] of Object.entries(verdicts))
      out.sample(name, count, { [subject.row]: row, value })
  }
}
