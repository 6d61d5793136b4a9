/** `npm run sequences`: see scripts/sequences.mjs for the options. */
import { parseArgs } from 'node:util'
import { httpKind } from './http-kind.ts'
import type { Finding, RunOptions, RunResult } from './runner.ts'
import { Runner } from './runner.ts'
import { spoeKind } from './spoe-kind.ts'
import { tcpKind } from './tcp-kind.ts'

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'all' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    count: { type: 'string', default: '1000' },
    only: { type: 'string' },
    self: { type: 'boolean', default: false },
    shrinks: { type: 'string', default: '2' },
    jobs: { type: 'string', default: '2' },
    without: { type: 'string', default: '' },
  },
})

const without = values.without.split(',')
const kinds = {
  http: (options: RunOptions) =>
    new Runner(
      httpKind({ spoe: !without.includes('spoe'), rules: !without.includes('rules') }),
      options,
    ).run(),
  tcp: (options: RunOptions) => new Runner(tcpKind, options).run(),
  spoe: (options: RunOptions) => new Runner(spoeKind, options).run(),
}

function numberOf(name: 'seed' | 'count' | 'only' | 'shrinks' | 'jobs'): number {
  const found = Number(values[name])
  if (!Number.isSafeInteger(found) || found < 0) throw new Error(`--${name} is a number`)
  return found
}

/** What follows from the first differences says little more. */
const shown = 10

function show(finding: Finding): string {
  const indent = (text: string) => text.replaceAll('\n', '\n             ')
  return [
    `\n=== ${finding.kind} ${finding.case} (--seed ${values.seed} --only ${finding.case}) ${finding.note}`,
    ...finding.differences
      .slice(0, shown)
      .map(
        ({ where, theirs, ours }) =>
          `  ${where}\n    haproxy: ${indent(JSON.stringify(theirs))}\n    sluice:  ${indent(JSON.stringify(ours))}`,
      ),
    '--- configuration',
    finding.setup,
    '--- traffic',
    finding.sent,
  ].join('\n')
}

function summary(name: string, result: RunResult): string {
  const known = [...result.known].map(([each, count]) => `\n  known: ${each} (${count})`).join('')
  return (
    `\n${name}: ${result.cases} sequences, ${result.different} differ, ${result.unsteady} differed once only, ` +
    `${result.refused} configurations refused${known}`
  )
}

async function main(): Promise<void> {
  const chosen = Object.entries(kinds).filter(([name]) => values.kind === 'all' || values.kind === name)
  if (chosen.length === 0) throw new Error(`--kind is one of ${Object.keys(kinds).join(', ')}, all`)
  console.log(`seed ${values.seed}`)
  for (const [name, run] of chosen) {
    const result = await run({
      seed: numberOf('seed'),
      count: numberOf('count'),
      ...(values.only === undefined ? {} : { only: numberOf('only') }),
      self: values.self,
      shrinks: numberOf('shrinks'),
      jobs: Math.max(1, numberOf('jobs')),
      onFinding: (finding) => console.log(show(finding)),
      onProgress: (done) => process.stderr.write(`\r${name}: ${done} `),
    })
    console.log(summary(name, result))
    if (result.different > 0 || result.refused > 0) process.exitCode = 1
  }
}

await main()
