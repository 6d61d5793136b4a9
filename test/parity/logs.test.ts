/**
 * Log lines of HAProxy and of sluice, whole, with their times: the same configuration, the same clients, servers and
 * agents that wait 300 ms, and times rounded to 100 ms. A row that differs is played again, for machines are busy; a row
 * of `known` that agrees fails, so that it is struck out. What HAProxy writes is also kept in log-lines.txt, by which
 * test/proxy/log-lines.test.ts judges without one; UPDATE_LOG_LINES=1 writes it anew.
 *
 * With LOG_CASES=WORD only the rows whose name has the word are played; what both logged is printed.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadProxy } from 'sluice/proxy'
import { folder } from '../proxy/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import type { Haproxy } from '../support/haproxy.ts'
import { oneByOne } from '../support/one-by-one.ts'
import { startSluice } from '../support/sluice.ts'
import type { Sluice } from '../support/sluice.ts'
import { cases } from './log-cases.ts'
import type { LogCase } from './log-cases.ts'
import { known, refused } from './log-known.ts'
import { forgive, readLines, writeLines } from './log-lines.ts'
import { configOf, play, section, spoe, startLogPeers } from './log-play.ts'
import type { LogPeers, LogWriter } from './log-play.ts'

const skip = skipWithoutHaproxy()

const wanted = process.env['LOG_CASES']
const updating = process.env['UPDATE_LOG_LINES'] === '1'
const chosen = cases.filter(({ name }) => wanted === undefined || name.includes(wanted))
const played = chosen.filter(({ name }) => !refused.has(name))

type Ports = Readonly<Record<'fe', number>>

describe('log lines with their times', { skip, concurrency: 16 }, () => {
  let peers: LogPeers
  let haproxy: Haproxy<'fe'>
  let sluice: Sluice<'fe'>
  const recorded = new Map(readLines())
  const calmly = oneByOne()

  before(async () => {
    peers = await startLogPeers()
    const options = {
      ports: ['fe'] as const,
      files: { 'spoe.conf': spoe },
      config: ({ fe }: Ports) =>
        [
          configOf(played, fe, peers),
          // It listens where the helpers look for it.
          `defaults\nlisten ready\n  bind 127.0.0.1:${fe}\n  timeout client 1s\n  timeout connect 1s\n  timeout server 1s`,
        ].join('\n'),
    }
    haproxy = await startHaproxy(options)
    sluice = await startSluice(options)
    // What the tests that it listens have logged is no row's.
    await sleep(200)
  })

  after(async () => {
    if (updating) writeLines(recorded)
    await sluice?.stop()
    await haproxy?.stop()
    await peers?.stop()
  })

  const writerOf = ({ fe }: Ports, logs: () => string): LogWriter => ({ peers, port: () => fe, logs })

  const compare = async (one: LogCase): Promise<{ theirs: string[]; ours: string[]; agree: boolean }> => {
    const both = [
      () =>
        play(
          one,
          writerOf(haproxy.ports, () => haproxy.logs()),
        ),
      () =>
        play(
          one,
          writerOf(sluice.ports, () => sluice.cli.stdout),
        ),
    ] as const
    const [theirs, ours] = one.alone
      ? [await both[0](), await both[1]()]
      : await Promise.all([both[0](), both[1]()])
    return { theirs, ours, agree: theirs.join('\n') === ours.join('\n') }
  }

  const row = async (one: LogCase): Promise<void> => {
    const isKnown = known.has(one.name)
    let result = await compare(one)
    const kept = recorded.get(one.name) ?? []
    const isKept = ({ theirs }: typeof result) =>
      updating || isKnown || forgive(theirs, kept).join('\n') === kept.join('\n')
    const isLate = (): boolean => result.agree === isKnown || !isKept(result)
    // A busy machine is late with many at a time: again one by one.
    if (isLate()) {
      await calmly(async () => {
        for (let again = 0; again < 3 && isLate(); again++) result = await compare(one)
      })
    }
    const { theirs, ours, agree } = result
    if (wanted !== undefined) {
      const all = [...theirs.map((line) => `  HAProxy ${line}`), ...ours.map((line) => `  sluice  ${line}`)]
      process.stderr.write(`${agree ? '=' : '!'} ${one.name}\n${all.join('\n')}\n`)
    }
    if (isKnown) assert.ok(!agree, `it agrees: strike it out of log-known.ts`)
    else assert.deepEqual(ours, theirs)
    // A row that expects other lines than HAProxy writes compares less than it seems to.
    if (!isKnown) assert.equal(theirs.length, one.lines ?? 1, theirs.join('\n'))
    if (updating && !isKnown) recorded.set(one.name, theirs)
    assert.ok(isKept(result), `log-lines.txt has other lines:\n${kept.join('\n')}\n${theirs.join('\n')}`)
  }

  for (const one of chosen.filter(({ name }) => refused.has(name))) {
    it(`${one.name} (refused)`, (t) => {
      const cwd = folder(t, { 'haproxy.cfg': `${section(one, 1, peers)}\n` })
      const { plan } = loadProxy({ files: ['haproxy.cfg'], cwd })
      assert.equal(plan, undefined, 'it is taken: move it from `refused` to `known`, or strike it out')
    })
  }
  for (const one of played.filter(({ alone }) => !alone)) it(one.name, () => row(one))
  it('rows that are played alone', async (t) => {
    for (const one of played.filter(({ alone }) => alone)) await t.test(one.name, () => row(one))
  })
})
