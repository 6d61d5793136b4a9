/** What must compile, and what must not. The compiler is the test: a line that expects an error and has none is one. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  CorrelationStore,
  createAgent,
  createAgentCluster,
  createOffload,
  type ArgumentsOf,
  type Context,
  type IpAddress,
  type Message,
  type TypedData,
} from 'sluice/agent'
import { createDriver } from 'sluice/testing'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(equal: Equal<A, B>) => equal

it('arguments are inferred from their declaration', () => {
  assert.ok(
    same<
      ArgumentsOf<{
        a: 'ip'
        b: 'string'
        c: 'latin1?'
        d: 'binary'
        e: 'integer[]'
        f: 'bigint?'
        g: 'boolean'
        h: 'any[]'
      }>,
      {
        readonly a: IpAddress
        readonly b: string
        readonly c: string | undefined
        readonly d: Buffer
        readonly e: readonly number[]
        readonly f: bigint | undefined
        readonly g: boolean
        readonly h: readonly TypedData[]
      }
    >(true),
  )
  createAgent().message('m', { ip: 'ip', '#1': 'integer?' }, (args, actions, context) => {
    same<typeof args.ip, IpAddress>(true)
    same<(typeof args)['#1'], number | undefined>(true)
    same<typeof context, Context>(true)
    // @ts-expect-error: not declared
    void args.user
    // @ts-expect-error: what came is not ours to change
    args.ip = undefined
    // @ts-expect-error: it may be undefined
    args['#1'].toFixed()
    // @ts-expect-error: no such scope
    actions.setVar('global', 'x', 1)
    // @ts-expect-error: objects have no SPOP form
    actions.setVar('txn', 'x', { a: 1 })
    // @ts-expect-error: undefined has none either; null unsets
    actions.setVar('txn', 'x', undefined)
    const sent: boolean = actions.setVar('txn', 'x', args.ip) && actions.unsetVar('res', 'y')
    void sent
  })
})

it('a declaration that is none does not compile', () => {
  const agent = createAgent()
  // @ts-expect-error: no such type
  assert.throws(() => agent.message('a', { ip: 'address' }, () => {}))
  // @ts-expect-error: either optional or repeated
  assert.throws(() => agent.message('a', { ip: 'ip[]?' }, () => {}))
})

it('a handler without a declaration gets the message', () => {
  createAgent()
    .message('m', (message) => {
      same<typeof message, Message>(true)
      void message.get('a')
    })
    .message('n', async () => {}, {
      deadline: 5,
      fallback: (actions, reason) => void actions.setVar('txn', 'x', reason),
    })
    .otherwise((message) => void message.name)
    .use({ before: (context) => void context.name, after: (_, { status }) => void status })
})

it('a handler returns nothing, or what setVar says, or a promise of it', () => {
  const agent = createAgent()
  agent.message('a', {}, () => {})
  agent.message('b', {}, async () => {})
  agent.message('one', { ip: 'ip' }, ({ ip }, actions) => actions.setVar('txn', 'ip', ip))
  agent.message('two', { ip: 'ip' }, async ({ ip }, actions) => actions.setVar('txn', 'ip', ip), {})
  agent.message('three', (message, actions) => actions.setVar('txn', 'name', message.name))
  agent.otherwise((message, actions) => actions.setVar('txn', 'name', message.name))
  // @ts-expect-error: an answer is set, not returned
  agent.message('c', {}, () => 1)
  // @ts-expect-error: nor promised
  agent.message('d', {}, async () => 'yes')
})

it('what is wrong is told at the argument that is wrong, and nowhere else', () => {
  const agent = createAgent()
  const tries = [
    () =>
      agent.message(
        'a',
        {
          user: 'string',
          // @ts-expect-error: no such type
          ip: 'address',
        },
        () => {},
      ),
    () =>
      agent.message(
        'b',
        { ip: 'ip' },
        // @ts-expect-error: an answer is set, not returned
        () => 1,
      ),
    () =>
      agent.message(
        'c',
        { ip: 'ip' },
        // @ts-expect-error: the argument is no string
        ({ ip }: { ip: string }) => void ip,
      ),
    () =>
      agent.message('d', { ip: 'ip' }, () => {}, {
        // @ts-expect-error: a wrong name
        deadlin: 5,
      }),
    () =>
      agent.message('e', () => {}, {
        // @ts-expect-error: a wrong type
        deadline: '5s',
      }),
    () =>
      agent.message(
        // @ts-expect-error: names are text
        5,
        () => {},
      ),
    () =>
      agent.message('f', { ip: 'ip' }, ({ ip }, actions) => {
        actions.setVar(
          'txn',
          'x',
          // @ts-expect-error: no value of SPOP
          { ip },
        )
      }),
  ]
  assert.equal(tries.length, 7)
})

it('a value may be of every type that SPOP has', () => {
  createAgent().message('m', { ip: 'ip' }, ({ ip }, actions) => {
    for (const value of [null, true, 1, 2n ** 60n, 'text', new Uint8Array(2), Buffer.from('x'), ip] as const)
      actions.setVar('txn', 'x', value)
    actions.setVar('txn', 'x', { type: 'uint64', value: 2n ** 63n })
  })
})

it('undefined is the same as no option', () => {
  const nothing: undefined = undefined
  const agent = createAgent({
    deadline: nothing,
    logger: nothing,
    tls: nothing,
    fallback: nothing,
    varPrefix: nothing,
  })
  agent.message('m', {}, () => {}, { deadline: nothing, fallback: nothing })
  void (() => agent.listen('127.0.0.1:0', { mode: nothing, backlog: nothing }))
  void (() => createOffload('module', { threads: nothing, logger: nothing }))
  void (() => createAgentCluster('module', { workers: nothing, joinTimeout: nothing }))
  assert.equal(new CorrelationStore({ ttl: nothing, maxEntries: nothing }).stats.size, 0)
})

it('options are checked by name and type', () => {
  createAgent({ deadline: 5, tooManyActions: 'fallback', ready: () => true })
  // @ts-expect-error: a wrong name
  assert.throws(() => createAgent({ deadlin: 5 }), { code: 'ERR_SLUICE_OPTION' })
  // @ts-expect-error: a wrong word
  assert.throws(() => createAgent({ tooManyActions: 'keep' }), { code: 'ERR_SLUICE_OPTION' })
  // @ts-expect-error: times are numbers of milliseconds
  assert.throws(() => createAgent({ deadline: '5s' }), { code: 'ERR_SLUICE_OPTION' })
})

it('a handler cannot abort its own context', async () => {
  const agent = createAgent()
  let seen: Context | undefined
  agent.message('m', {}, (_, actions, context) => {
    // @ts-expect-error: whether the answer is still wanted is not for the handler to say
    void context.abort
    actions.setVar('txn', 'x', 1)
    seen = context
  })
  const driver = createDriver(agent)
  await driver.notify('m')
  await driver.close()
  const names = seen === undefined ? [] : Object.getOwnPropertyNames(Object.getPrototypeOf(seen))
  assert.deepEqual(names.toSorted(), ['aborted', 'constructor', 'message', 'signal'])
  assert.equal('abort' in (seen ?? {}), false)
})
