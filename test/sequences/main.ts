/** `npm run sequences`: see scripts/sequences.mjs for the options. */
import { parseArgs } from 'node:util'
import { fcgiKind } from './fcgi-kind.ts'
import { httpKind } from './http-kind.ts'
import { showFinding, showResult } from './report.ts'
import type { RunOptions } from './runner.ts'
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
    together: { type: 'string' },
    without: { type: 'string', default: '' },
  },
})

const without = values.without.split(',')
const kinds = {
  http: (options: RunOptions) =>
    new Runner(
      httpKind({
        spoe: !without.includes('spoe'),
        rules: !without.includes('rules'),
        deaths: !without.includes('deaths'),
      }),
      options,
    ).run(),
  fcgi: (options: RunOptions) => new Runner(fcgiKind, options).run(),
  tcp: (options: RunOptions) => new Runner(tcpKind, options).run(),
  spoe: (options: RunOptions) => new Runner(spoeKind, options).run(),
}

function numberOf(name: 'seed' | 'count' | 'only' | 'shrinks' | 'jobs' | 'together'): number {
  const found = Number(values[name])
  if (!Number.isSafeInteger(found) || found < 0) throw new Error(`--${name} is a number`)
  return found
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
      ...(values.together === undefined ? {} : { together: Math.max(1, numberOf('together')) }),
      onFinding: (finding) => console.log(showFinding(finding, numberOf('seed'))),
      onProgress: (done) => process.stderr.write(`\r${name}: ${done} `),
    })
    console.log(showResult(name, result))
    if (result.different > 0 || result.refused > 0) process.exitCode = 1
  }
}

await main()
