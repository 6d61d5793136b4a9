/**
 * The log line of everything that may happen to a connection, with its times, counters and termination state, as HAProxy
 * 2.6 has written it: test/parity/logs.test.ts keeps the lines, and plays the same rows beside the real one.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { cases } from '../parity/log-cases.js'
import type { LogCase } from '../parity/log-cases.js'
import { known, refused } from '../parity/log-known.js'
import { forgive, readLines } from '../parity/log-lines.js'
import { configOf, frontName, play, spoe, startLogPeers } from '../parity/log-play.js'
import type { LogPeers, LogWriter } from '../parity/log-play.js'
import { oneByOne } from '../support/one-by-one.ts'
import { startProxy } from './support.js'

const rows = cases.filter(({ name }) => !refused.has(name) && !known.has(name))

describe('log lines', () => {
  const recorded = readLines()
  const cleanups: (() => unknown)[] = []
  const calmly = oneByOne()
  let peers: LogPeers
  let writer: LogWriter

  before(async () => {
    peers = await startLogPeers()
    const proxy = await startProxy(
      { after: (cleanup) => void cleanups.push(cleanup) },
      configOf(rows, 0, peers),
      { files: { 'spoe.conf': spoe } },
    )
    writer = {
      peers,
      port: (one) => proxy.port(frontName(one)),
      logs: () => proxy.lines.map((line) => `${line}\n`).join(''),
    }
  })

  after(async () => {
    for (const cleanup of cleanups) await cleanup()
    await peers?.stop()
  })

  const row = async (one: LogCase): Promise<void> => {
    const wanted = recorded.get(one.name) ?? []
    const once = async () => forgive(await play(one, writer), wanted)
    let lines = await once()
    const isLate = (): boolean => lines.join('\n') !== wanted.join('\n')
    // A busy machine is late with many at a time: again one by one.
    if (isLate()) {
      await calmly(async () => {
        for (let again = 0; again < 3 && isLate(); again++) lines = await once()
      })
    }
    assert.deepEqual(lines, wanted)
  }

  describe('of what happens at the same time', { concurrency: 40 }, () => {
    for (const one of rows.filter(({ alone }) => !alone)) it(one.name, () => row(one))
  })
  for (const one of rows.filter(({ alone }) => alone)) it(one.name, () => row(one))
})
