/** What is sent again, when, in what order, and how answers are compared: real agents on real sockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatEndpoint } from 'sluice'
import { createAgent, type Agent } from 'sluice/agent'
import { createEngine } from 'sluice/engine'
import { replay, type RecordedExchange, type Recording, type ReplayOptions } from 'sluice/recording'
import { Message, toTypedData, type Action, type Value } from 'sluice/spop'

interface Cleanup {
  after(hook: () => void | Promise<void>): void
}

const set = (name: string, value: Value): Action => ({
  type: 'set-var',
  scope: 'sess',
  name,
  value: toTypedData(value),
})

/** One that was answered with nothing, but for what is said. */
function exchange(more: Partial<RecordedExchange> & { readonly ask?: string } = {}): RecordedExchange {
  const { ask = 'ask', ...rest } = more
  const messages = [new Message(ask, [])]
  return {
    source: '',
    stream: 0,
    startedAt: 0,
    processTime: 1,
    waitTime: 1,
    status: 0,
    actions: [],
    messages,
    ...rest,
  }
}

function recording(exchanges: readonly RecordedExchange[], omitted: readonly string[] = []): Recording {
  return {
    omitted: new Set(omitted),
    lost: 0,
    damage: undefined,
    async *[Symbol.asyncIterator]() {
      yield* exchanges
    },
  }
}

async function run(
  t: Cleanup,
  define: (agent: Agent) => void,
  recorded: Recording,
  options: ReplayOptions = { rate: 'max' },
) {
  const agent = createAgent({ closeTimeout: 100 })
  define(agent)
  const engine = createEngine({ servers: [formatEndpoint(await agent.listen('127.0.0.1:0'))] })
  t.after(async () => {
    await engine.close()
    await agent.close()
  })
  return replay([recorded], engine, options)
}

const everyTenth = Array.from({ length: 20 }, (_, at) => exchange({ startedAt: 5000 + at * 10 }))

const rates: readonly (readonly [rate: NonNullable<ReplayOptions['rate']>, least: number, most: number])[] = [
  ['recorded', 189, 2000],
  // 19 gaps of 5 ms; a timer may be early by less than a millisecond.
  [{ times: 2 }, 93, 1500],
  [{ perSecond: 200 }, 93, 1500],
  ['max', 0, 150],
]

for (const [rate, least, most] of rates) {
  test(`at the rate ${JSON.stringify(rate)}`, async (t) => {
    const report = await run(t, () => {}, recording(everyTenth), { rate })
    assert.deepEqual([report.sent, report.same], [20, 20])
    assert.ok(report.duration >= least && report.duration < most, `${report.duration} ms`)
  })
}

test('they are sent in the order in which they began', async (t) => {
  const seen: string[] = []
  const ended = ['c', 'a', 'b'].map((ask) => exchange({ ask, startedAt: ask.charCodeAt(0) }))
  await run(t, (agent) => agent.otherwise(({ name }) => void seen.push(name)), recording(ended))
  assert.deepEqual(seen, ['a', 'b', 'c'])
})

test('those of one stream keep its id and wait for each other, unless they overlapped then, too', async (t) => {
  const seen: string[] = []
  const streams = new Set<unknown>()
  const define = (agent: Agent): void => {
    agent.otherwise(async ({ name }, _actions, { streamId }) => {
      streams.add(streamId)
      seen.push(`${name} begins`)
      await sleep(30)
      seen.push(`${name} ends`)
    })
  }
  const recorded = recording([
    exchange({ ask: 'a', stream: 1, startedAt: 0, processTime: 5 }),
    exchange({ ask: 'b', stream: 1, startedAt: 10, processTime: 5 }),
    exchange({ ask: 'c', stream: 1, startedAt: 12, processTime: 5 }),
  ])
  await run(t, define, recorded)
  assert.equal(streams.size, 1)
  // b began when a had ended; c began while b was under way.
  assert.deepEqual(seen.slice(0, 2), ['a begins', 'a ends'])
  assert.deepEqual(seen.slice(2, 4), ['b begins', 'c begins'])
})

test('no more are under way than may be', async (t) => {
  let now = 0
  let most = 0
  const define = (agent: Agent): void => {
    agent.otherwise(async () => {
      most = Math.max(most, ++now)
      await sleep(5)
      now--
    })
  }
  await run(t, define, recording(everyTenth), { rate: 'max', maxInFlight: 3 })
  assert.equal(most, 3)
})

test('a limit', async (t) => {
  const report = await run(t, () => {}, recording(everyTenth), { rate: 'max', limit: 7 })
  assert.equal(report.sent, 7)
})

test('a signal ends it, also while the next exchange is waited for: the report is of what was sent', async (t) => {
  const ending = new AbortController()
  const define = (agent: Agent) =>
    void agent.message('ask', () => void setImmediate(() => ending.abort(new Error('enough'))))
  const inAnHour = exchange({ startedAt: 3_600_000 })
  const report = await run(t, define, recording([exchange(), inAnHour]), { signal: ending.signal })
  assert.deepEqual([report.sent, report.same], [1, 1])
  const none = await run(t, () => {}, recording(everyTenth), { rate: 'max', signal: AbortSignal.abort() })
  assert.equal(none.sent, 0)
})

const unset: Action = { type: 'unset-var', scope: 'sess', name: 'a' }

/** What was answered then, what is answered now, and what differs: `before -> after`. */
const answers: readonly (readonly [
  what: string,
  then: readonly Action[],
  now: readonly Action[],
  changes: string,
])[] = [
  ['nothing', [], [], ''],
  ['the same', [set('a', 1)], [set('a', 1)], ''],
  ['another value', [set('a', 1)], [set('a', 2)], 'sess.a: int64 1 -> int64 2'],
  ['another type', [set('a', 1)], [set('a', '1')], 'sess.a: int64 1 -> string "1"'],
  ['one more', [], [set('a', 'x')], 'sess.a: undefined -> string "x"'],
  ['one less', [set('a', true)], [], 'sess.a: boolean true -> undefined'],
  ['unset in place of set', [set('a', 1)], [unset], 'sess.a: int64 1 -> unset'],
  ['NULL, which unsets', [unset], [set('a', null)], ''],
  ['another order', [set('a', 1), set('b', 2)], [set('b', 2), set('a', 1)], ''],
  ['set twice', [set('a', 2)], [set('a', 1), set('a', 2)], ''],
  ['bytes', [set('a', Buffer.of(1))], [set('a', Buffer.of(2))], 'sess.a: binary 01 -> binary 02'],
  [
    'long text',
    [set('a', 'x'.repeat(100))],
    [set('a', 'x')],
    `sess.a: string "${'x'.repeat(59)}… (102) -> string "x"`,
  ],
]

for (const [what, then, now, changes] of answers) {
  test(`compared: ${what}`, async (t) => {
    const define = (agent: Agent): void => {
      agent.otherwise((_message, actions) => {
        for (const action of now) {
          if (action.type === 'unset-var') actions.unsetVar(action.scope, action.name)
          else actions.setVar(action.scope, action.name, action.value)
        }
      })
    }
    const report = await run(t, define, recording([exchange({ actions: then })]))
    assert.deepEqual([report.same, report.different], changes === '' ? [1, 0] : [0, 1])
    const found = report.messages[0]?.changes.map(
      ({ variable, before, after }) => `${variable}: ${before} -> ${after}`,
    )
    assert.deepEqual(found, changes === '' ? [] : [changes])
  })
}

const one = (agent: Agent): void => {
  agent.otherwise((_message, actions) => {
    actions.setVar('sess', 'a', 1)
    actions.setVar('txn', 'b', 1)
  })
}
const other = exchange({ actions: [set('a', 2)] })

test('variables that need not be equal are left out by name, or by scope and name', async (t) => {
  for (const [ignore, same] of [
    [['a'], 0],
    [['a', 'b'], 1],
    [['sess.a', 'txn.b'], 1],
    [['txn.a', 'sess.b'], 0],
  ] as const) {
    const report = await run(t, one, recording([other]), { rate: 'max', ignore })
    assert.equal(report.same, same, ignore.join())
  }
})

test('of values that were not recorded only their being there is compared', async (t) => {
  const recorded = exchange({ actions: [set('a', null), { ...unset, scope: 'txn', name: 'b' }] })
  const report = await run(t, one, recording([recorded], ['a']))
  assert.deepEqual(
    report.messages[0]?.changes.map(({ variable, before, after }) => [variable, before, after]),
    [['txn.b', 'unset', 'int64 1']],
  )
})

test('what fails now is told by its status, and what had no answer then is not compared', async (t) => {
  const define = (agent: Agent): void => {
    agent.message('slow', async () => {
      await sleep(200)
    })
  }
  const recorded = recording([
    exchange({ ask: 'slow' }),
    exchange(),
    exchange({ status: 1, waitTime: -1, actions: [] }),
  ])
  const report = await run(t, define, recorded, { rate: 'max', timeout: 50 })
  const { sent, same, different, failed, unanswered } = report
  assert.deepEqual(
    { sent, same, different, failed, unanswered },
    { sent: 3, same: 1, different: 0, failed: 1, unanswered: 1 },
  )
  const [, slow] = report.messages
  assert.deepEqual([slow?.message, [...(slow?.statuses ?? [])]], ['slow', [[1, 1]]])
  assert.deepEqual([report.recorded.count, report.replayed.count], [1, 1])
})

test('latencies are told by quantiles and in steps', async (t) => {
  const times = [...Array.from({ length: 98 }, () => 1.5), 30, 700]
  const recorded = times.map((waitTime) => exchange({ waitTime }))
  const { recorded: then, replayed } = await run(t, () => {}, recording(recorded))
  assert.ok(Math.abs(then.p50 - 1.5) < 0.05 && Math.abs(then.p90 - 1.5) < 0.05, `${then.p50} ${then.p90}`)
  assert.ok(Math.abs(then.p99 - 30) < 1, String(then.p99))
  assert.equal(then.max, 700)
  assert.deepEqual(then.counts, [0, 0, 0, 0, 98, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
  assert.equal(replayed.count, 100)
})
