/** What user code may do wrong, and what it is told: at once where that is possible, and never at the cost of the process. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import {
  createAgent,
  type Agent,
  type MessageHandler,
  type Middleware,
  type MessageOutcome,
  type Schema,
} from 'sluice/agent'
import { ack, hello, notify } from '../support/peer.ts'
import { until } from '../support/until.ts'
import { deferred, MemoryLogger, stage } from './support.ts'

const option = { code: 'ERR_SLUICE_OPTION' }

describe('registration', () => {
  const wrong: [string, (agent: Agent) => unknown, object][] = [
    ['middleware that is a function', (agent) => agent.use((() => {}) as unknown as Middleware), option],
    ['middleware without a known name', (agent) => agent.use({ befor() {} } as Middleware), option],
    ['middleware that cannot be called', (agent) => agent.use({ before: 5 } as never), option],
    ['no middleware', (agent) => agent.use(null as never), option],
    ['a catch-all that cannot be called', (agent) => agent.otherwise(5 as never), option],
    [
      'a handler that cannot be called',
      (agent) => agent.message('m', 5 as unknown as MessageHandler),
      option,
    ],
    ['a trace that cannot be called', (agent) => agent.trace(5 as never), option],
    ['a message without a name', (agent) => agent.message(5 as never, () => {}), option],
    [
      'a schema that is a list',
      (agent) => agent.message('m', ['ip'] as unknown as Schema, () => {}),
      { code: 'ERR_AGENT_SCHEMA' },
    ],
    [
      'no schema',
      (agent) => agent.message('m', null as unknown as Schema, () => {}),
      { code: 'ERR_AGENT_SCHEMA' },
    ],
    [
      'a position that no message has',
      (agent) => agent.message('m', { '#255': 'any' }, () => {}),
      { code: 'ERR_AGENT_SCHEMA', message: /'#255' is beyond #254/ },
    ],
  ]
  for (const [what, register, error] of wrong) {
    it(`refuses ${what}`, () => assert.throws(() => register(createAgent()), error))
  }

  it('takes middleware that is an object of a class', () => {
    class Timing {
      readonly seen: string[] = []
      after(context: { name: string }): void {
        this.seen.push(context.name)
      }
    }
    createAgent().use(new Timing())
  })
})

it('a logger that throws costs neither the process nor the connection, and is told once', async (t) => {
  const fail = (): never => {
    throw new Error('disk full')
  }
  const logger = { debug: fail, info: fail, warn: fail, error: fail }
  const warned = once(process, 'warning')
  const { open, agent } = await stage(t, { logger }, (it) =>
    it.message('m', () => {
      throw new Error('no answer')
    }),
  )
  const peer = await open()
  assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
  assert.deepEqual(await peer.ask(notify('02 01', '01 "m" 00')), ack('02 01'))
  const [warning] = (await warned) as [Error]
  assert.match(warning.message, /the logger has failed: disk full/)
  assert.equal(agent.stats.errors['ERR_AGENT_HANDLER'], 2)
})

describe('outcomes', () => {
  for (const tooManyActions of ['drop', 'fallback'] as const) {
    for (const kind of ['synchronous', 'asynchronous']) {
      it(`${kind} actions that do not fit are 'oversized' to middleware, with ${tooManyActions}`, async (t) => {
        const outcomes: MessageOutcome[] = []
        const { open } = await stage(t, { tooManyActions }, (it) => {
          it.use({ after: (_, outcome) => void outcomes.push(outcome) })
          it.message('m', (_, actions): void | Promise<void> => {
            if (kind === 'asynchronous')
              return Promise.resolve().then(() => void actions.setVar('txn', 'x', 'y'.repeat(400)))
            actions.setVar('txn', 'x', 'y'.repeat(400))
          })
        })
        const peer = await open(hello({ size: '0e "max-frame-size" 03 f0 01' }))
        assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
        assert.deepEqual(
          outcomes.map(({ status, error }) => [status, (error as { code: string }).code]),
          [['oversized', 'ERR_AGENT_ACK_TOO_BIG']],
        )
      })
    }
  }

  it('a fallback that throws has a line of its own, beside that of the handler', async (t) => {
    const logger = new MemoryLogger()
    const fallback = () => {
      throw new Error('from the fallback')
    }
    const { open } = await stage(t, { logger, fallback }, (it) =>
      it.message('m', () => {
        throw new Error('from the handler')
      }),
    )
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
    assert.deepEqual(logger.troubles, [
      'message not answered by its handler: from the handler',
      "message not answered at all: a fallback failed: message 'm': from the fallback",
    ])
  })

  it('a fallback that sets actions after it returned is told of', async (t) => {
    const gate = deferred()
    const { open, agent } = await stage(
      t,
      {
        fallback: (async (actions: { setVar(scope: 'txn', name: string, value: number): boolean }) => {
          await gate.promise
          actions.setVar('txn', 'deny', 1)
        }) as never,
      },
      (it) =>
        it.message('m', () => {
          throw new Error('no answer')
        }),
    )
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
    gate.resolve()
    await until(() => agent.stats.errors['ERR_AGENT_FALLBACK'] === 1)
  })

  it('an address given as text is refused as a value', async (t) => {
    const { open } = await stage(t, {}, (it) =>
      it.message('m', (_, actions) => {
        const value = { type: 'ipv4', value: '192.0.2.1' } as never
        assert.throws(() => actions.setVar('txn', 'x', value), {
          code: 'ERR_SPOP_VALUE',
          message: /192\.0\.2\.1/,
        })
        actions.setVar('txn', 'y', 1)
      }),
    )
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01', '01 03 02 01 "y" 04 01'))
  })
})

describe('in the middle of a turn', () => {
  it('destroy() sends what is answered, and no half-made answer', async (t) => {
    const { open } = await stage(t, {}, (it) =>
      it.message('m', { n: 'integer' }, ({ n }, actions) => {
        actions.setVar('txn', 'n', n)
        if (n === 2) it.destroy()
      }),
    )
    const peer = await open()
    peer.send(...[1, 2, 3].map((n) => notify(`0${n} 01`, `01 "m" 01 01 "n" 04 0${n}`)))
    assert.deepEqual(await peer.frame(), ack('01 01', '01 03 02 01 "n" 04 01'))
    assert.deepEqual(await peer.frame(), ack('02 01', '01 03 02 01 "n" 04 02'))
    await peer.ended()
    assert.equal(peer.unread, 0)
  })

  it('a promise that calls back at once is answered, and leaves others alone', async (t) => {
    const gate = deferred()
    const { open, agent } = await stage(t, { deadline: 0 }, (it) => {
      it.message('waits', () => gate.promise)
      it.message('hasty', (_, actions) => {
        actions.setVar('txn', 'h', 1)
        const promise = Promise.resolve()
        // oxlint-disable-next-line unicorn/no-thenable -- the tampering under test
        promise.then = ((done: () => void) => done()) as never
        return promise
      })
    })
    const peer = await open()
    peer.send(notify('01 01', '05 "waits" 00'))
    await until(() => agent.stats.inFlight === 1)
    assert.deepEqual(await peer.ask(notify('02 01', '05 "hasty" 00')), ack('02 01', '01 03 02 01 "h" 04 01'))
    gate.resolve()
    assert.deepEqual(await peer.frame(), ack('01 01'))
    assert.equal(agent.stats.inFlight, 0)
  })
})
