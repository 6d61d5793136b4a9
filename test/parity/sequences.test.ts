/**
 * The short form of `npm run sequences`: some random configurations with random traffic, HAProxy beside sluice. What
 * fails is printed with its configuration and its bytes; `npm run sequences -- --kind KIND --seed 1 --only N` runs it again
 * and makes it smaller.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fcgiKind } from '../sequences/fcgi-kind.ts'
import { httpKind } from '../sequences/http-kind.ts'
import { showFinding } from '../sequences/report.ts'
import { Runner } from '../sequences/runner.ts'
import type { Finding, RunOptions } from '../sequences/runner.ts'
import { spoeKind } from '../sequences/spoe-kind.ts'
import { tcpKind } from '../sequences/tcp-kind.ts'
import { skipWithoutHaproxy } from '../support/haproxy.ts'

const skip = skipWithoutHaproxy()

const runs = {
  http: (options: RunOptions) =>
    new Runner(httpKind({ spoe: true, rules: true, deaths: true }), options).run(),
  fcgi: (options: RunOptions) => new Runner(fcgiKind, options).run(),
  tcp: (options: RunOptions) => new Runner(tcpKind, options).run(),
  spoe: (options: RunOptions) => new Runner(spoeKind, options).run(),
}
const counts = { http: 100, fcgi: 40, tcp: 24, spoe: 24 }

describe('random sequences through sluice and through HAProxy 2.6', { skip, concurrency: false }, () => {
  for (const [name, run] of Object.entries(runs)) {
    it(name, async () => {
      const findings: Finding[] = []
      const result = await run({
        seed: 1,
        count: counts[name as keyof typeof counts],
        self: false,
        shrinks: 0,
        jobs: 2,
        onFinding: (finding) => void findings.push(finding),
        onProgress: () => {},
      })
      assert.equal(result.different, 0, findings.map((finding) => showFinding(finding, 1)).join('\n'))
      assert.equal(result.refused, 0, findings.map((finding) => finding.note).join('\n'))
    })
  }
})
