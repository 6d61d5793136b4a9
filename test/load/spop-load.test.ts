/** What the load generator counts and times, beside what an agent has seen: it is scripted, and counts for itself. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ack, setVar, startAgent, type RawFrame, type Script } from '../engine/scripted-agent.ts'
import { countAbove, openPlan, planOf, runLoad } from './run.ts'

/** What an agent has counted. */
interface Witness {
  notifies: number
  answers: number
  /** Milliseconds from each NOTIFY to the write of its ACK. */
  readonly times: number[]
}

const newWitness = (): Witness => ({ notifies: 0, answers: 0, times: [] })

type Reply = (frame: RawFrame, answer: () => void, count: number) => void

/** An agent that answers as `reply` says, and counts. */
function counting(witness: Witness, reply: Reply): Script {
  return async (peer) => {
    await peer.greet()
    peer.onFrame((frame) => {
      if (frame.type !== 3) return
      const began = performance.now()
      reply(
        frame,
        () => {
          if (peer.socket.destroyed) return
          witness.answers++
          witness.times.push(performance.now() - began)
          peer.send(ack(frame.ids, setVar('a', 7)))
        },
        witness.notifies++,
      )
    })
  }
}

// Most of the time is waited.
describe('a load and its agent', { concurrency: 6 }, () => {
  test('every NOTIFY that the agent got was counted once, and every answer', async (t) => {
    for (const like of ['2.6', '3.x'] as const) {
      const witness = newWitness()
      const agent = await startAgent(
        t,
        counting(witness, (_, answer) => answer()),
      )
      const plan = planOf({ connections: 3 })
      const result = await runLoad(agent.port, { like, inFlight: 20, plan }, () => witness.notifies > 500)
      assert.equal(result.counts.sent, witness.notifies)
      assert.equal(result.counts.answers, witness.answers)
      assert.equal(result.service.count, witness.answers)
      assert.equal(result.counts.connections, 3)
      const { late, lost, doubled, stray, wrong, dropped } = result.counts
      assert.deepEqual([late, lost, doubled, stray, wrong, dropped, result.errors], [0, 0, 0, 0, 0, 0, 0])
      const rates = result.intervals.reduce((sum, each) => sum + each.answers, 0)
      assert.ok(rates <= witness.answers && rates >= result.rate * (result.duration / 1000) - 1e-6)
    }
  })

  test('times are those that the agent took, by its own clock, and not much more', async (t) => {
    const witness = newWitness()
    const agent = await startAgent(
      t,
      counting(witness, (_, answer, count) => setTimeout(answer, count % 10 === 0 ? 60 : 20)),
    )
    const { service } = await runLoad(agent.port, { inFlight: 10 }, () => witness.answers > 150)
    const sorted = witness.times.sort((a, b) => a - b)
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0
    assert.equal(service.count, sorted.length)
    assert.ok(service.min >= (sorted[0] ?? 0), `${service.min} is less than ${sorted[0]}`)
    for (const [found, share] of [
      [service.p50, 0.5],
      [service.p90, 0.9],
      [service.max, 1],
    ] as const) {
      // A busy machine may add to it; what it must not do is take from it.
      assert.ok(
        found >= at(share) && found < at(share) + 250,
        `${share}: ${found}, the agent took ${at(share)}`,
      )
    }
    // One in ten took 60 ms.
    assert.ok(service['p99'] >= 58)
    assert.ok(service.p75 >= 18 && countAbove(service, 58) >= sorted.length / 11)
  })

  test('what is never answered is given up, as lost; what comes then is late', async (t) => {
    for (const like of ['2.6', '3.x'] as const) {
      const witness = newWitness()
      const [dropped, delayed] = [new Set<number>(), new Set<number>()]
      const agent = await startAgent(
        t,
        counting(witness, (_, answer, count) => {
          if (count % 10 === 3) dropped.add(count)
          else if (count % 10 === 6) {
            delayed.add(count)
            setTimeout(answer, 400)
          } else answer()
        }),
      )
      const plan = planOf({ timeout: 100 })
      const result = await runLoad(agent.port, { like, inFlight: 5, plan }, () => delayed.size > 4)
      assert.ok(dropped.size > 0 && delayed.size > 0)
      // A machine that stands still makes answers late that were meant to be in time.
      const { late, lost, answers } = result.counts
      assert.ok(late >= delayed.size, `${late} late of ${delayed.size}`)
      assert.deepEqual(
        result.failures.map(({ status, count }) => [status, count]),
        [[1, dropped.size + late]],
      )
      assert.equal(lost, dropped.size)
      assert.equal(answers, witness.answers - late)
      assert.equal(result.errors, dropped.size + late)
      assert.ok(result.lateness.min >= 98 && result.lateness.max >= 398, String(result.lateness.min))
      assert.match(result.failures[0]?.words ?? '', /timeout processing/)
    }
  })

  test('second answers and answers to nothing are counted, and taken for nothing else', async (t) => {
    for (const like of ['2.6', '3.x'] as const) {
      let [doubled, stray] = [0, 0]
      const witness = newWitness()
      const agent = await startAgent(t, async (peer) => {
        await peer.greet()
        peer.onFrame((frame) => {
          if (frame.type !== 3) return
          witness.notifies++
          const twice = witness.notifies % 5 === 0
          const astray = witness.notifies % 7 === 0
          if (twice) doubled++
          if (astray) stray++
          // 2^30 - 1 is given out much later; ids of 3.x are odd.
          const wrongId = like === '2.6' ? 'fff0fefe1e 01' : '02 01'
          peer.send(
            ...(astray ? [ack(wrongId)] : []),
            ...Array.from({ length: twice ? 2 : 1 }, () => ack(frame.ids, setVar('a', 7))),
          )
        })
      })
      const plan = planOf({ timeout: 300 })
      const result = await runLoad(agent.port, { like, inFlight: 4, plan }, () => witness.notifies >= 200)
      assert.equal(result.counts.stray, stray)
      assert.equal(result.counts.doubled, doubled)
      assert.equal(result.counts.answers, witness.notifies)
    }
  })

  test('a stall of 200 ms is one long time in a closed loop, and one for all that were due in an open one', async (t) => {
    const stalling = (): Script => {
      let stallUntil = 0
      return async (peer) => {
        await peer.greet()
        const began = performance.now()
        peer.onFrame((frame) => {
          if (frame.type !== 3) return
          const now = performance.now()
          // Once, a third of a second after the beginning, nothing is answered for 200 ms.
          if (stallUntil === 0 && now - began > 300) stallUntil = now + 200
          const wait = stallUntil > now ? stallUntil - now : 0
          setTimeout(() => peer.send(ack(frame.ids, setVar('a', 7))), wait)
        })
      }
    }
    const closedAgent = await startAgent(t, stalling())
    const closed = await runLoad(closedAgent.port, { plan: planOf({ duration: 800 }) })
    const openAgent = await startAgent(t, stalling())
    const open = await runLoad(openAgent.port, { plan: openPlan(200, 800) })
    // From the write, both have seen one.
    assert.ok(countAbove(closed.service, 190) >= 1)
    assert.ok(countAbove(open.service, 190) >= 1)
    // 40 were due within the stall, and each of them waited for what was left of it.
    assert.equal(open.response.count, 160)
    assert.ok(countAbove(open.response, 50) >= 25, String(countAbove(open.response, 50)))
    assert.ok(open.response.p90 > 50 && open.response.p90 > open.service.p50)
    assert.ok(open.response.max >= open.service.max)
    assert.equal(closed.response.p90, closed.service.p90)
  })

  test('an open loop sends what is due, whatever the agent does', async (t) => {
    const witness = newWitness()
    const agent = await startAgent(
      t,
      counting(witness, (_, answer) => setTimeout(answer, 30)),
    )
    const result = await runLoad(agent.port, { inFlight: 100, plan: openPlan(500, 600) })
    assert.equal(witness.notifies, 300)
    assert.equal(result.counts.sent, 300)
    assert.equal(result.counts.answers, 300)
    assert.equal(result.loop, 'open')
    assert.equal(result.errors, 0)
  })
})
