/** Deadlines, fallbacks, overload and answers that are too large: who answers when the handler does not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, type FallbackReason } from 'sluice/agent'
import { ack, hello, notify } from '../support/peer.ts'
import { until } from '../support/until.ts'
import { deferred, MemoryLogger, stage } from './support.ts'

const verdict = (reason: string) => `01 03 02 07 "verdict" 08 0${reason.length} "${reason}"`
const say = (
  actions: { setVar(scope: 'txn', name: string, value: string): boolean },
  reason: FallbackReason,
) => void actions.setVar('txn', 'verdict', reason)

/** HELLO with the least frame size. */
const small = hello({ size: '0e "max-frame-size" 03 f0 01' })

describe('deadlines', () => {
  it('the fallback answers, takes back what was set, and the signal is aborted with the reason', async (t) => {
    let reason: unknown
    const { open, agent } = await stage(t, { deadline: 15, fallback: say }, (it) =>
      it.message('m', async (_, actions, { signal }) => {
        actions.setVar('txn', 'x', 1)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        reason = signal.reason
        throw reason as Error // as fetch() does with an aborted signal
      }),
    )
    const peer = await open()
    assert.deepEqual(
      await peer.ask(notify('01 01', '01 "m" 00')),
      ack('01 01', `01 03 02 07 "verdict" 08 08 "deadline"`),
    )
    await until(() => agent.stats.messages.get('m')?.late === 1)
    assert.ok(reason instanceof AgentError)
    assert.equal(reason.code, 'ERR_AGENT_DEADLINE')
    assert.match(reason.message, /message 'm', limit 15 ms/)
    assert.deepEqual(agent.stats.errors, { ERR_AGENT_DEADLINE: 1 })
    assert.equal(agent.stats.messages.get('m')?.errors, 0)
  })

  it('each message may have its own; 0 is none', async (t) => {
    const gate = deferred()
    const { open, agent } = await stage(t, { deadline: 5 }, (it) => {
      it.message('default', () => gate.promise)
      it.message('patient', (_, actions) => gate.promise.then(() => say(actions, 'error')), { deadline: 0 })
      it.message('quick', () => gate.promise, { deadline: 1 })
    })
    const peer = await open()
    peer.send(
      notify('01 01', '07 "patient" 00'),
      notify('02 01', '07 "default" 00'),
      notify('03 01', '05 "quick" 00'),
    )
    const first = await peer.frames(2)
    // A busy machine may find both due at once.
    assert.deepEqual(
      first.sort((a, b) => Buffer.compare(a, b)),
      [ack('02 01'), ack('03 01')],
    )
    gate.resolve()
    assert.deepEqual(await peer.frame(), ack('01 01', verdict('error')))
    assert.equal(agent.stats.messages.get('patient')?.deadlines, 0)
    assert.equal(agent.stats.messages.get('default')?.deadlines, 1)
  })

  it('what is set late gets into no other answer, though buffers are lent again', async (t) => {
    const slow = deferred()
    const quick = deferred()
    const { open, agent } = await stage(t, { deadline: 0 }, (it) => {
      it.message(
        'slow',
        async (_, actions) => {
          actions.setVar('txn', 'x', 1)
          await slow.promise
          assert.equal(actions.setVar('txn', 'x', 2), false)
          assert.equal(actions.unsetVar('txn', 'x'), false)
        },
        { deadline: 1 },
      )
      it.message('quick', async (_, actions) => {
        actions.setVar('txn', 'y', 3)
        await quick.promise
        actions.setVar('txn', 'y', 4)
      })
    })
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '04 "slow" 00')), ack('01 01'))
    peer.send(notify('02 01', '05 "quick" 00'))
    await until(() => agent.stats.inFlight === 1)
    slow.resolve()
    await until(() => agent.stats.messages.get('slow')?.late === 1)
    quick.resolve()
    assert.deepEqual(await peer.frame(), ack('02 01', '01 03 02 01 "y" 04 03 01 03 02 01 "y" 04 04'))
  })

  for (const count of [1, 2]) {
    it(`a handler is not called when the deadline has passed in ${count} asynchronous before`, async (t) => {
      const gate = deferred()
      const after: string[] = []
      let called = 0
      const { open, agent } = await stage(t, { deadline: 15, fallback: say }, (it) => {
        for (let index = 0; index < count; index++) it.use({ before: () => gate.promise })
        it.use({ after: (_, { status }) => void after.push(status) })
        it.message('m', () => void called++)
      })
      const peer = await open()
      assert.deepEqual(
        await peer.ask(notify('01 01', '01 "m" 00')),
        ack('01 01', `01 03 02 07 "verdict" 08 08 "deadline"`),
      )
      gate.resolve()
      await sleep(20)
      assert.equal(called, 0)
      assert.deepEqual(after, ['deadline'])
      // With time left it is called.
      assert.deepEqual(await peer.ask(notify('02 01', '01 "m" 00')), ack('02 01'))
      assert.equal(called, 1)
      assert.equal(agent.stats.messages.get('m')?.deadlines, 1)
    })
  }

  it('a handler is not called when its connection is gone in an asynchronous before', async (t) => {
    const gate = deferred()
    let called = 0
    const { open, agent } = await stage(t, { deadline: 0 }, (it) => {
      it.use({ before: () => gate.promise })
      it.message('m', () => void called++)
    })
    const peer = await open()
    peer.send(notify('01 01', '01 "m" 00'))
    await until(() => agent.stats.inFlight === 1)
    peer.reset()
    await until(() => agent.stats.connections.active === 0)
    gate.resolve()
    await sleep(20)
    assert.equal(called, 0)
  })

  it('of several messages only the slow one is given up', async (t) => {
    const { open } = await stage(t, { deadline: 15, fallback: say }, (it) => {
      it.message('m', () => new Promise(() => {}))
      it.message('n', async (_, actions) => void actions.setVar('txn', 'n', 1))
    })
    const peer = await open()
    assert.deepEqual(
      await peer.ask(notify('01 01', '01 "n" 00 01 "m" 00 01 "n" 00')),
      ack('01 01', `01 03 02 01 "n" 04 01 01 03 02 07 "verdict" 08 08 "deadline" 01 03 02 01 "n" 04 01`),
    )
  })

  it('a handler that blocks the loop is answered when it lets go, and shows in the lag', async (t) => {
    const { open, agent } = await stage(t, { deadline: 500 }, (it) =>
      it.message('m', (_, actions) => {
        const until = performance.now() + 60
        while (performance.now() < until);
        actions.setVar('txn', 'x', 1)
      }),
    )
    const peer = await open()
    await sleep(50) // the monitor compares two ticks of its timer
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01', '01 03 02 01 "x" 04 01'))
    await sleep(50)
    assert.ok(agent.stats.eventLoopLag.max >= 30)
  })
})

describe('fallbacks', () => {
  for (const kind of ['throws', 'rejects', 'mismatch'] as const) {
    it(`fail-closed: the verdict is set when the handler ${kind}; fail-open: nothing is`, async (t) => {
      for (const fallback of [say, undefined]) {
        const { open, agent } = await stage(t, fallback === undefined ? {} : { fallback }, (it) => {
          it.message('throws', (_, actions) => {
            actions.setVar('txn', 'x', 1)
            throw new Error('sync')
          })
          it.message('rejects', async (_, actions) => {
            actions.setVar('txn', 'x', 1)
            await sleep(1)
            actions.setVar('txn', 'y', 1)
            throw new Error('async')
          })
          it.message('mismatch', { ip: 'ip' }, () => assert.fail('called'))
        })
        const peer = await open()
        const length = kind.length.toString(16).padStart(2, '0')
        const answer = await peer.ask(notify('01 01', `${length} "${kind}" 01 02 "ip" 08 01 "x"`))
        assert.deepEqual(answer, ack('01 01', fallback === undefined ? '' : verdict('error')))
        assert.equal(agent.stats.messages.get(kind)?.errors, 1)
      }
    })
  }

  it("a message's own fallback goes before the agent's", async (t) => {
    const { open } = await stage(t, { fallback: () => assert.fail('the general one') }, (agent) =>
      agent.message(
        'm',
        () => {
          throw new Error('no')
        },
        {
          fallback: (actions, reason, context) => void actions.setVar('txn', `${reason}_${context.name}`, 1),
        },
      ),
    )
    assert.deepEqual(
      await (await open()).ask(notify('01 01', '01 "m" 00')),
      ack('01 01', '01 03 02 07 "error_m" 04 01'),
    )
  })

  it('one that throws leaves an answer without actions', async (t) => {
    const logger = new MemoryLogger()
    const options = {
      logger,
      fallback(actions: Parameters<typeof say>[0]) {
        say(actions, 'error')
        throw new Error('broken fallback')
      },
    }
    const { open } = await stage(t, options, (agent) =>
      agent.message('m', () => Promise.reject(new Error('no'))),
    )
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
  })
})

describe('overload', () => {
  it('beyond maxInFlight the fallback answers without a call, and recovers', async (t) => {
    const gates: (() => void)[] = []
    let calls = 0
    const { open, agent } = await stage(t, { maxInFlight: 2, fallback: say }, (it) =>
      it.message('m', () => {
        calls++
        return new Promise((resolve) => gates.push(resolve))
      }),
    )
    const [one, two] = [await open(), await open()]
    one.send(notify('01 01', '01 "m" 00'))
    two.send(notify('01 01', '01 "m" 00'))
    await until(() => agent.stats.inFlight === 2)
    assert.deepEqual(
      await one.ask(notify('02 01', '01 "m" 00')),
      ack('02 01', '01 03 02 07 "verdict" 08 08 "overload"'),
    )
    assert.deepEqual(await two.ask(notify('02 01')), ack('02 01'), 'what needs no handler is answered')
    assert.equal(calls, 2)
    gates[0]?.()
    assert.deepEqual(await one.frame(), ack('01 01'))
    one.send(notify('03 01', '01 "m" 00'))
    await until(() => agent.stats.inFlight === 2)
    assert.equal(calls, 3)
    assert.equal(agent.stats.messages.get('m')?.overloads, 1)
    assert.deepEqual(agent.stats.errors, { ERR_AGENT_OVERLOAD: 1 })
  })

  it('maxInFlightPerConnection holds for each connection', async (t) => {
    const { open, agent } = await stage(t, { maxInFlightPerConnection: 1, fallback: say }, (it) =>
      it.message('m', () => new Promise(() => {})),
    )
    const [one, two] = [await open(), await open()]
    for (const peer of [one, two]) {
      const answer = await peer.ask(notify('01 01', '01 "m" 00'), notify('02 01', '01 "m" 00'))
      assert.deepEqual(answer, ack('02 01', '01 03 02 07 "verdict" 08 08 "overload"'))
    }
    assert.equal(agent.stats.inFlight, 2)
  })
})

describe('too many actions', () => {
  // 256 bytes: 7 of head leave 249; `01 03 02 01 "x" 08`, a length of two bytes and 241 of text are as many.

  for (const mode of ['synchronous', 'asynchronous'] as const) {
    const later = mode === 'asynchronous' ? () => sleep(1) : () => undefined

    it(`${mode}: exactly the frame size leaves, one byte more does not`, async (t) => {
      const results: boolean[] = []
      const { open, agent } = await stage(t, {}, (it) =>
        it.message('m', { n: 'integer' }, ({ n }, actions) => {
          const set = () => void results.push(actions.setVar('txn', 'x', 'a'.repeat(n)))
          return mode === 'asynchronous' ? sleep(1).then(set) : set()
        }),
      )
      const peer = await open(small)
      const exact = await peer.ask(notify('01 01', '01 "m" 01 01 "n" 04 f1 00')) // 241
      assert.equal(exact.length, 4 + 256)
      assert.deepEqual(exact, ack('01 01', '01 03 02 01 "x" 08 f1 00 "a"*241'))
      assert.deepEqual(results, [true])
      const over = await peer.ask(notify('02 01', '01 "m" 01 01 "n" 04 f2 00')) // 242
      assert.deepEqual(over, ack('02 01'))
      assert.deepEqual(results, [true, false])
      assert.equal(agent.stats.messages.get('m')?.oversized, 1)
      assert.deepEqual(agent.stats.errors, { ERR_AGENT_ACK_TOO_BIG: 1 })
    })

    it(`${mode}: drop leaves out what does not fit, and keeps what is smaller`, async (t) => {
      const { open } = await stage(t, {}, (it) =>
        it.message('m', async (_, actions) => {
          actions.setVar('txn', 'a', 1)
          await later()
          actions.setVar('txn', 'b', 'x'.repeat(250))
          actions.setVar('txn', 'c', 2)
        }),
      )
      const peer = await open(small)
      assert.deepEqual(
        await peer.ask(notify('01 01', '01 "m" 00')),
        ack('01 01', '01 03 02 01 "a" 04 01  01 03 02 01 "c" 04 02'),
      )
    })

    it(`${mode}: fallback answers instead of a part`, async (t) => {
      const { open } = await stage(t, { tooManyActions: 'fallback', fallback: say }, (it) =>
        it.message('m', (_, actions) => {
          actions.setVar('txn', 'a', 1)
          const rest = () => void actions.setVar('txn', 'b', 'x'.repeat(250))
          return mode === 'asynchronous' ? sleep(1).then(rest) : rest()
        }),
      )
      const peer = await open(small)
      assert.deepEqual(
        await peer.ask(notify('01 01', '01 "m" 00')),
        ack('01 01', '01 03 02 07 "verdict" 08 09 "oversized"'),
      )
    })
  }

  it('several messages share one frame: the account is kept over all of them', async (t) => {
    for (const mode of ['drop', 'fallback'] as const) {
      const { open, agent } = await stage(t, { tooManyActions: mode, fallback: say }, (it) => {
        it.message('s', (_, actions) => void actions.setVar('txn', 's', 'x'.repeat(50)))
        it.message('a', (_, actions) => sleep(1).then(() => void actions.setVar('txn', 'a', 'y'.repeat(93))))
      })
      const peer = await open(small)
      // 57 + 100 + 57 = 214 of 249 bytes: the second of the asynchronous ones does not fit.
      const answer = await peer.ask(notify('01 01', '01 "s" 00 01 "a" 00 01 "s" 00 01 "a" 00'))
      const s = `01 03 02 01 "s" 08 32 "x"*50`
      const a = `01 03 02 01 "a" 08 5d "y"*93`
      const rest = mode === 'drop' ? '' : `01 03 02 07 "verdict" 08 09 "oversized"`
      assert.deepEqual(answer, ack('01 01', `${s} ${a} ${s} ${rest}`))
      assert.equal(agent.stats.messages.get('a')?.oversized, 1, mode)
      assert.equal(agent.stats.errors['ERR_AGENT_ACK_TOO_BIG'], 1)
    }
  })

  it('what a synchronous one behind a slow one has set takes room, too', async (t) => {
    for (const mode of ['drop', 'fallback'] as const) {
      const { open, agent } = await stage(t, { tooManyActions: mode, fallback: say }, (it) => {
        it.message('s', (_, actions) => void actions.setVar('txn', 's', 'x'.repeat(50)))
        it.message('a', (_, actions) => sleep(1).then(() => void actions.setVar('txn', 'a', 'y'.repeat(93))))
      })
      const peer = await open(small)
      // 100 + 57 of 249 bytes: 92 are left for the second of the asynchronous ones.
      const answer = await peer.ask(notify('01 01', '01 "a" 00 01 "s" 00 01 "a" 00'))
      const s = `01 03 02 01 "s" 08 32 "x"*50`
      const a = `01 03 02 01 "a" 08 5d "y"*93`
      const rest = mode === 'drop' ? '' : `01 03 02 07 "verdict" 08 09 "oversized"`
      assert.deepEqual(answer, ack('01 01', `${a} ${s} ${rest}`))
      assert.equal(agent.stats.messages.get('a')?.oversized, 1, mode)
      assert.deepEqual(agent.stats.errors, { ERR_AGENT_ACK_TOO_BIG: 1 })
    }
  })

  it('whatever is set, no ACK is over the negotiated size', async (t) => {
    const { open } = await stage(t, { tooManyActions: 'drop' }, (it) => {
      it.message('s', { n: 'integer' }, ({ n }, actions) => {
        for (let i = 0; i < 9; i++) actions.setVar('txn', 's', 'x'.repeat((n * (i + 3)) % 97))
      })
      it.message('a', { n: 'integer' }, async ({ n }, actions) => {
        actions.setVar('txn', 'a', 'z'.repeat(n % 31))
        if (n % 3 > 0) await sleep(0)
        for (let i = 0; i < 9; i++) actions.setVar('txn', 'a', 'y'.repeat((n * (i + 1)) % 89))
      })
    })
    const peer = await open(small)
    for (let n = 1; n < 120; n++) {
      const value = `01 01 "n" 04 ${n.toString(16).padStart(2, '0')}`
      const payload = ['s', 'a', 's', 'a', 'a', 's'].slice(n % 4).map((name) => `01 "${name}" ${value}`)
      const answer = await peer.ask(notify('01 01', payload.join(' ')))
      assert.ok(answer.length - 4 <= 256 && answer.length - 4 > 150, `${n}: ${answer.length - 4}`)
    }
  })
})
