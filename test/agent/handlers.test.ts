/** Handlers: finding them, calling them, and what is answered for them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createAgent, type MessageOutcome, type TypedData } from 'sluice/agent'
import { ack, hex, notify } from '../support/peer.ts'
import { deferred, MemoryLogger, SpySocket, stage } from './support.ts'
import { hello } from '../support/peer.ts'
import { until } from '../support/until.ts'

const sets = (name: string, value: number) => `01 03 02 0${name.length} "${name}" 04 0${value}`

describe('answers', () => {
  it('every JavaScript value and every scope has its bytes', async (t) => {
    const { open } = await stage(t, {}, (agent) =>
      agent.message('m', { ip: 'ip' }, ({ ip }, actions) => {
        actions.setVar('proc', 'a', null)
        actions.setVar('sess', 'b', true)
        actions.setVar('txn', 'c', false)
        actions.setVar('req', 'd', -5)
        actions.setVar('res', 'e', 2n ** 63n - 1n)
        actions.setVar('txn', 'f', 'é')
        actions.setVar('txn', 'g', Buffer.from([0, 255]))
        actions.setVar('txn', 'h', ip)
        actions.setVar('txn', 'i.j_K9', { type: 'uint32', value: 7 })
        actions.unsetVar('res', 'k')
      }),
    )
    const answer = await (await open()).ask(notify('01 01', '01 "m" 01 02 "ip" 06 c0 00 02 01'))
    const expected = hex(`
      01 03 00 01 "a" 00
      01 03 01 01 "b" 11
      01 03 02 01 "c" 01
      01 03 03 01 "d" 04 fb f0 fe fe fe fe fe fe fe 0e
      01 03 04 01 "e" 04 ff f0 fe fe fe fe fe fe fe 06
      01 03 02 01 "f" 08 02 c3 a9
      01 03 02 01 "g" 09 02 00 ff
      01 03 02 01 "h" 06 c0 00 02 01
      01 03 02 06 "i.j_K9" 03 07
      02 02 04 01 "k"`)
    assert.equal(answer.subarray(11).toString('hex'), expected.toString('hex'))
  })

  it('a value or a name that HAProxy would not take throws, and the actions before it do not leave', async (t) => {
    const wrong: (() => unknown)[] = []
    const errors: unknown[] = []
    const { open } = await stage(t, {}, (agent) =>
      agent.message('m', (_, actions) => {
        wrong.push(
          () => actions.setVar('txn', 'a-b', 1),
          () => actions.setVar('txn', '', 1),
          () => actions.setVar('txn', 'x'.repeat(61), 1),
          () => actions.setVar('txn', 'x', 1.5),
          () => actions.setVar('txn', 'x', Number.NaN),
          () => actions.setVar('txn', 'x', 2n ** 63n),
          () => actions.setVar('txn', 'x', undefined as never),
          () => actions.setVar('txn', 'x', { type: 'int32', value: 2 ** 31 }),
          () => actions.setVar('global' as 'txn', 'x', 1),
          () => actions.unsetVar('txn', 'a b'),
        )
        for (const each of wrong) {
          try {
            each()
          } catch (error) {
            errors.push((error as { code?: string }).code)
          }
        }
        actions.setVar('txn', 'ok', 1)
      }),
    )
    const answer = await (await open()).ask(notify('01 01', '01 "m" 00'))
    assert.deepEqual(answer, ack('01 01', sets('ok', 1)))
    const name = 'ERR_AGENT_VAR_NAME'
    const value = 'ERR_SPOP_VALUE'
    assert.deepEqual(errors, [name, name, name, value, value, value, value, value, value, name])
  })

  it('an action behind the answer is not sent, changes nothing, and is counted once a message', async () => {
    const agent = createAgent()
    const results: boolean[] = []
    agent.message('m', (_, actions) => {
      actions.setVar('txn', 'x', 1)
      // A promise that was not returned.
      void turn().then(() => results.push(actions.setVar('txn', 'y', 2), actions.unsetVar('txn', 'z')))
    })
    const socket = new SpySocket()
    agent.accept(socket)
    socket.arrive(hello())
    await until(() => socket.writes.length === 1)
    socket.arrive(notify('01 01', '01 "m" 00'))
    await until(() => results.length === 2)
    socket.arrive(notify('02 01'))
    await until(() => socket.writes.length === 3)
    assert.deepEqual(results, [false, false])
    assert.deepEqual(socket.writes.slice(1), [ack('01 01', sets('x', 1)), ack('02 01')])
    assert.equal(agent.stats.messages.get('m')?.late, 1)
    agent.destroy()
  })

  it('bytes that were handed to a stream are not written again', async () => {
    const agent = createAgent()
    agent.message('m', (_, actions) => void actions.setVar('txn', 'x', 1))
    const socket = new SpySocket()
    agent.accept(socket)
    socket.arrive(hello())
    await until(() => socket.writes.length === 1)
    for (let id = 1; id < 5; id++) {
      socket.arrive(notify(`0${id} 01`, '01 "m" 00'))
      await until(() => socket.writes.length === id + 1)
    }
    assert.deepEqual(socket.handed, socket.writes)
    agent.destroy()
  })
})

describe('several messages in one NOTIFY', () => {
  it('actions stand in the order of the messages, whichever handler was done first', async (t) => {
    const slow = deferred()
    const order: string[] = []
    const { open } = await stage(t, {}, (agent) => {
      agent.message('sync', { n: 'integer' }, ({ n }, actions) => void actions.setVar('txn', 's', n))
      agent.message('fast', async (_, actions) => {
        await turn()
        order.push('fast')
        actions.setVar('txn', 'f', 3)
      })
      agent.message('slow', async (_, actions) => {
        actions.setVar('txn', 'b', 1)
        await slow.promise
        order.push('slow')
        actions.setVar('txn', 'e', 2)
      })
    })
    const peer = await open()
    const n = (value: number) => `04 "sync" 01 01 "n" 04 0${value}`
    peer.send(notify('01 01', `${n(1)} 04 "slow" 00 ${n(2)} 04 "fast" 00 07 "unknown" 00 ${n(3)}`))
    await until(() => order.length === 1)
    slow.resolve()
    assert.deepEqual(
      await peer.frame(),
      ack(
        '01 01',
        [sets('s', 1), sets('b', 1), sets('e', 2), sets('s', 2), sets('f', 3), sets('s', 3)].join(' '),
      ),
    )
    assert.deepEqual(order, ['fast', 'slow'])
  })

  it('one that fails leaves the answers of the others', async (t) => {
    const { open, agent } = await stage(t, {}, (it) => {
      it.message('good', (_, actions) => void actions.setVar('txn', 'a', 1))
      it.message('throws', (_, actions) => {
        actions.setVar('txn', 'b', 2)
        throw new Error('no')
      })
      it.message('rejects', async (_, actions) => {
        actions.setVar('txn', 'c', 3)
        await turn()
        throw new Error('no')
      })
    })
    const peer = await open()
    const all = '04 "good" 00 06 "throws" 00 07 "rejects" 00 04 "good" 00'
    assert.deepEqual(await peer.ask(notify('01 01', all)), ack('01 01', `${sets('a', 1)} ${sets('a', 1)}`))
    assert.equal(agent.stats.errors['ERR_AGENT_HANDLER'], 2)
  })

  it('a broken message behind good ones refuses the connection, and tells handlers that still work', async (t) => {
    let reason: unknown
    const { open, agent } = await stage(t, {}, (it) =>
      it.message('m', (_, __, { signal }) => {
        signal.addEventListener('abort', () => (reason = signal.reason))
        return new Promise(() => {})
      }),
    )
    const peer = await open()
    peer.send(notify('01 01', '01 "m" 00 01 "m" 01 01 "a" 08 09'))
    assert.equal((await peer.farewell()).status, 4)
    assert.equal((reason as { code: string }).code, 'ERR_SPOP_TRUNCATED')
    assert.equal(agent.stats.inFlight, 0)
  })

  it('answers of different NOTIFYs leave in the order in which they are ready', async (t) => {
    const gates = [deferred(), deferred(), deferred()]
    const { open } = await stage(t, {}, (agent) =>
      agent.message('m', { n: 'integer' }, async ({ n }, actions) => {
        await gates[n]?.promise
        actions.setVar('txn', 'n', n)
      }),
    )
    const peer = await open()
    for (let id = 0; id < 3; id++) peer.send(notify(`0${id} 01`, `01 "m" 01 01 "n" 04 0${id}`))
    const answers: Buffer[] = []
    for (const id of [2, 0, 1]) {
      gates[id]?.resolve()
      answers.push(await peer.frame())
    }
    assert.deepEqual(
      answers,
      [2, 0, 1].map((id) => ack(`0${id} 01`, sets('n', id))),
    )
  })
})

describe('finding the handler', () => {
  it('the catch-all gets what no other wants, with its name, and is counted under *', async (t) => {
    const names: string[] = []
    const { open, agent } = await stage(t, {}, (it) => {
      it.message('known', () => {})
      it.otherwise((message, actions, context) => {
        names.push(`${message.name}=${context.name}`)
        actions.setVar('txn', 'x', 1)
      })
    })
    const peer = await open()
    await peer.ask(notify('01 01', '05 "known" 00'))
    const answer = await peer.ask(notify('02 01', '05 "other" 00 09 "__proto__" 00 00 00'))
    assert.deepEqual(answer, ack('02 01', `${sets('x', 1)} ${sets('x', 1)} ${sets('x', 1)}`))
    assert.deepEqual(names, ['other=other', '__proto__=__proto__', '='])
    assert.equal(agent.stats.messages.get('*')?.received, 3)
    assert.equal(agent.stats.messages.get('known')?.received, 1)
    assert.equal(agent.stats.unknownMessages, 0)
  })

  it('without a catch-all unknown messages are skipped, counted, and the next one is found', async (t) => {
    const { open, agent } = await stage(t, {}, (it) =>
      it.message('m', (_, actions) => void actions.setVar('txn', 'x', 1)),
    )
    const peer = await open()
    const payload = '02 "mm" 02 01 "a" 08 01 "m" 00 07 00*16 01 "m" 00 01 "M" 00'
    assert.deepEqual(await peer.ask(notify('01 01', payload)), ack('01 01', sets('x', 1)))
    assert.equal(agent.stats.unknownMessages, 2)
  })

  it('a handler may be added while the agent serves', async (t) => {
    const { open, agent } = await stage(t, {}, (it) => it.message('a', () => {}))
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "b" 00')), ack('01 01'))
    agent.message('b', (_, actions) => void actions.setVar('txn', 'x', 1))
    assert.deepEqual(await peer.ask(notify('02 01', '01 "b" 00')), ack('02 01', sets('x', 1)))
  })

  it('the context knows the message, the ids and the connection', async (t) => {
    const seen: unknown[] = []
    const { open } = await stage(t, {}, (agent) =>
      agent.message('m', { a: 'string' }, async ({ a }, _, context) => {
        await turn()
        const { name, streamId, frameId, connection, message } = context
        const value = (data?: TypedData) => (data !== undefined && 'value' in data ? data.value : undefined)
        seen.push(a, name, streamId, frameId, connection.id, connection.engineId, connection.maxFrameSize)
        seen.push(
          message.args.length,
          value(message.get('b')),
          message.all('').map(value),
          message === context.message,
        )
        assert.match(connection.peer, /^127\.0\.0\.1:\d+$/)
      }),
    )
    const peer = await open()
    peer.send(
      notify('00 ff f0 fe fe fe fe fe fe fe 0e', '01 "m" 04 01 "a" 08 01 "x" 01 "b" 04 07 00 11 00 04 01'),
      notify('02 01'),
    )
    await peer.frames(2)
    await until(() => seen.length > 0)
    const engine = '4c16e5b1-a9d3-4d1b-8a0c-37d2c1a0d9f3'
    assert.deepEqual(seen, ['x', 'm', 0, 2n ** 64n - 1n, 1, engine, 16_380, 4, 7, [true, 1], true])
  })
})

describe('thenables', () => {
  it('one that calls back at once is answered', async (t) => {
    const { open } = await stage(t, {}, (agent) =>
      agent.message(
        'm',
        (_, actions) =>
          ({
            // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
            then(done: () => void) {
              actions.setVar('txn', 'x', 1)
              done()
              done()
              throw new Error('after the fact')
            },
          }) as PromiseLike<void>,
      ),
    )
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01', sets('x', 1)))
    assert.deepEqual(
      await peer.ask(notify('02 01', '01 "m" 00 01 "m" 00')),
      ack('02 01', `${sets('x', 1)} ${sets('x', 1)}`),
    )
  })

  it('one whose then throws is a handler that failed', async (t) => {
    const { open, agent } = await stage(t, {}, (it) =>
      it.message(
        'm',
        () =>
          ({
            // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
            then() {
              throw new Error('no')
            },
          }) as unknown as PromiseLike<void>,
      ),
    )
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
    assert.equal(agent.stats.errors['ERR_AGENT_HANDLER'], 1)
  })

  it('whatever is thrown or rejected with is a failure, undefined and hostile objects included', async (t) => {
    const hostile = new Proxy({}, { get: () => { throw new Error('trap') } }) // oxfmt-ignore
    const things: unknown[] = [undefined, null, 'text', hostile, Object.create(null)]
    const { open, agent } = await stage(t, {}, (it) => {
      it.message('throws', { n: 'integer' }, ({ n }) => {
        throw things[n]
      })
      it.message('rejects', { n: 'integer' }, ({ n }) => Promise.reject(things[n]))
    })
    const peer = await open()
    for (const n of things.keys()) {
      assert.deepEqual(await peer.ask(notify('01 01', `06 "throws" 01 01 "n" 04 0${n}`)), ack('01 01'))
      assert.deepEqual(await peer.ask(notify('02 01', `07 "rejects" 01 01 "n" 04 0${n}`)), ack('02 01'))
    }
    assert.equal(agent.stats.errors['ERR_AGENT_HANDLER'], 2 * things.length)
  })
})

describe('middleware', () => {
  it('befores run in order before the handler, afters behind the result, in one turn when all is synchronous', async (t) => {
    const order: string[] = []
    const { open } = await stage(t, {}, (agent) => {
      agent.use({ before: () => void order.push('before 1'), after: () => void order.push('after 1') })
      agent.use({ after: (context, { status }) => void order.push(`after 2 ${context.name} ${status}`) })
      agent.use({ before: () => void order.push('before 3') })
      agent.message('m', () => void order.push('handler'))
    })
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
    assert.deepEqual(order, ['before 1', 'before 3', 'handler', 'after 1', 'after 2 m ok'])
  })

  it('an asynchronous before holds the handler, and those behind it', async (t) => {
    const gate = deferred()
    const order: string[] = []
    const { open } = await stage(t, {}, (agent) => {
      agent.use({ before: () => gate.promise })
      agent.use({ before: () => void order.push('second') })
      agent.message('m', (_, actions) => {
        order.push('handler')
        actions.setVar('txn', 'x', 1)
      })
    })
    const peer = await open()
    peer.send(notify('01 01', '01 "m" 00'))
    await turn()
    assert.deepEqual(order, [])
    gate.resolve()
    assert.deepEqual(await peer.frame(), ack('01 01', sets('x', 1)))
    assert.deepEqual(order, ['second', 'handler'])
  })

  for (const kind of ['throws', 'rejects'] as const) {
    it(`a before that ${kind} keeps the handler from being called, and the fallback answers`, async (t) => {
      const outcomes: MessageOutcome[] = []
      const refusal = new Error('not authorised')
      const { open } = await stage(
        t,
        { fallback: (actions, reason) => void actions.setVar('txn', reason, 1) },
        (agent) => {
          agent.use({
            before() {
              if (kind === 'rejects') return Promise.reject(refusal)
              throw refusal
            },
            after: (_, outcome) => void outcomes.push(outcome),
          })
          agent.use({ before: () => assert.fail('called') })
          agent.message('m', () => assert.fail('called'))
        },
      )
      const peer = await open()
      assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01', sets('error', 1)))
      assert.equal(outcomes.length, 1)
      assert.equal(outcomes[0]?.status, 'error')
      assert.equal(outcomes[0]?.error, refusal)
      assert.ok((outcomes[0]?.duration ?? -1) >= 0)
    })
  }

  it('an after that throws is logged, and changes nothing', async (t) => {
    const logger = new MemoryLogger()
    const { open } = await stage(t, { logger }, (agent) => {
      agent.use({
        after() {
          throw new Error('broken after')
        },
      })
      agent.message('m', (_, actions) => void actions.setVar('txn', 'x', 1))
      agent.message('later', async (_, actions) => void actions.setVar('txn', 'x', 1))
    })
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01', sets('x', 1)))
    assert.deepEqual(await peer.ask(notify('02 01', '05 "later" 00')), ack('02 01', sets('x', 1)))
    assert.match(logger.troubles.join(), /broken after/)
  })

  it('after a deadline in a before the handler is not called any more', async (t) => {
    const gate = deferred()
    const { open, agent } = await stage(t, { deadline: 10 }, (it) => {
      it.use({ before: () => gate.promise })
      it.message('m', () => assert.fail('called'))
    })
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
    gate.resolve()
    await until(() => agent.stats.messages.get('m')?.late === 1)
  })
})
