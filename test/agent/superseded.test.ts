/** A NOTIFY with the ids of one that waits: HAProxy would take the older answer for the newer question's, so it is dropped. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Context } from 'sluice/agent'
import { ack, idsOf, notify, notifyStart, unsetFin } from '../support/peer.ts'
import { until } from '../support/until.ts'
import { deferred, MemoryLogger, stage } from './support.ts'

const sets = (value: string) => `01 03 02 01 "x" 08 ${value.length.toString(16).padStart(2, '0')} "${value}"`

/** An agent whose handler answers when it is told to, in the order in which it was asked. */
async function held(t: Parameters<typeof stage>[0]) {
  const asked: { context: Context; answer: (value: string) => void }[] = []
  const logger = new MemoryLogger()
  const { open, agent } = await stage(t, { deadline: 0, logger }, (it) =>
    it
      .message('m', async (_, actions, context) => {
        const gate = deferred<string>()
        asked.push({ context, answer: gate.resolve })
        actions.setVar('txn', 'x', await gate.promise)
      })
      .message('now', (_, actions) => void actions.setVar('txn', 'x', 'now')),
  )
  const peer = await open()
  const ask = async (...frames: Buffer[]) => {
    const { notifies } = agent.stats.frames
    peer.send(...frames)
    await until(() => agent.stats.frames.notifies > notifies)
  }
  return { agent, asked, ask, logger, peer }
}

const m = '01 "m" 00'

describe('an answer whose ids are asked for again', () => {
  const ways: readonly [what: string, again: Buffer[], answer: string][] = [
    ['by a handler that waits', [notify('07 01', m)], 'new'],
    ['by one that does not', [notify('07 01', '03 "now" 00')], 'now'],
    ['in fragments', [notifyStart('07 01', '01'), unsetFin('07 01', '"m" 00')], 'new'],
  ]
  for (const [what, again, answer] of ways) {
    it(`is dropped, counted and told: ${what}`, async (t) => {
      const { agent, asked, ask, logger, peer } = await held(t)
      await ask(notify('07 01', m))
      await ask(...again)
      const reason = asked[0]?.context.signal.reason as { code?: string }
      assert.equal(reason.code, 'ERR_AGENT_SUPERSEDED')
      asked[0]?.answer('old')
      await until(() => agent.stats.messages.get('m')?.late === 1)
      asked[1]?.answer('new')
      assert.deepEqual(await peer.frame(), ack('07 01', sets(answer)))
      assert.deepEqual(await peer.ask(notify('08 01')), ack('08 01'), 'and nothing else comes')
      assert.deepEqual(agent.stats.errors, { ERR_AGENT_SUPERSEDED: 1 })
      assert.deepEqual(logger.troubles, [
        "answer dropped, it came too late; keep the deadline below HAProxy's 'timeout processing'",
      ])
      assert.equal(agent.stats.inFlight, 0)
    })
  }

  // Few are searched for their ids, many have an index.
  for (const others of [0, 70]) {
    it(`is that of these two ids alone, among ${others} others`, async (t) => {
      const { agent, asked, ask, peer } = await held(t)
      for (let id = 0; id < others; id++) await ask(notify(idsOf(1000 + id), m))
      const ids = ['07 01', '07 02', '07 03', '08 01', 'f0 f1 f1 f1 f1 f1 f1 f1 f1 00 01']
      for (const each of ids) await ask(notify(each, m))
      await ask(notify('07 02', m))
      assert.deepEqual(
        asked.slice(others).map(({ context }) => context.aborted),
        [false, true, false, false, false, false],
      )
      // Answered from the middle and from both ends: the ids of a stream are found all the same.
      for (const [index, id] of [
        [2, '07 03'],
        [0, '07 01'],
        [5, '07 02'],
        [4, ids[4]],
        [3, '08 01'],
      ] as const) {
        asked[others + index]?.answer(`${index}`)
        assert.deepEqual(await peer.frame(), ack(id ?? '', sets(`${index}`)))
      }
      await ask(notify('07 01', m))
      assert.equal(agent.stats.errors['ERR_AGENT_SUPERSEDED'], 1, 'what was answered is not waited for')
      asked[others + 6]?.answer('last')
      assert.deepEqual(await peer.frame(), ack('07 01', sets('last')))
      for (let id = 0; id < others; id++) {
        asked[id]?.answer('other')
        assert.deepEqual(await peer.frame(), ack(idsOf(1000 + id), sets('other')))
      }
      assert.equal(agent.stats.inFlight, 0)
    })
  }
})
