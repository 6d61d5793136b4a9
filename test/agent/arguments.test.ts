/** Typed arguments: what is declared is what a handler gets, or the message is refused by name. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { AgentError, createAgent, IpAddress, type Schema } from 'sluice/agent'
import { ack, notify } from '../support/peer.ts'
import { MemoryLogger, stage } from './support.ts'

/** Sends one message of these arguments to a handler with this schema; what the handler got, or the refusal. */
async function receive(t: TestContext, schema: Schema, args: string): Promise<unknown> {
  const logger = new MemoryLogger()
  let got: unknown
  const { open } = await stage(t, { logger }, (agent) =>
    agent.message('m', schema, (values) => {
      got = { ...values }
    }),
  )
  const peer = await open()
  assert.deepEqual(await peer.ask(notify('01 01', `01 "m" ${args}`)), ack('01 01'))
  if (got !== undefined) return got
  const error = logger.lines.find(({ level }) => level === 'warn')?.fields['err']
  assert.ok(error instanceof AgentError)
  assert.equal(error.code, 'ERR_AGENT_ARGUMENT')
  return error.message
}

/** One value of each type, on the wire. */
const wire = {
  null: '00',
  boolean: '11',
  int32: '02 ff f0 fe fe fe fe fe fe fe 0e',
  uint32: '03 fc f0 06',
  int64: '04 05',
  uint64: '05 ff f0 fe fe fe fe fe fe fe 0e',
  ipv4: '06 c0 00 02 07',
  ipv6: '07 20 01 0d b8 00*11 01',
  string: '08 03 "a" c3 a9',
  binary: '09 02 00 ff',
} as const

const accepted: readonly [string, keyof typeof wire, unknown][] = [
  ['ip', 'ipv4', IpAddress.parse('192.0.2.7')],
  ['ip', 'ipv6', IpAddress.parse('2001:db8::1')],
  ['string', 'string', 'aé'],
  ['latin1', 'string', 'aÃ©'],
  ['latin1', 'binary', '\0ÿ'],
  ['binary', 'string', Buffer.from('aé')],
  ['binary', 'binary', Buffer.from([0, 255])],
  ['integer', 'int32', -1],
  ['integer', 'uint32', 16_380],
  ['integer', 'int64', 5],
  ['bigint', 'int32', -1n],
  ['bigint', 'uint32', 16_380n],
  ['bigint', 'int64', 5n],
  ['bigint', 'uint64', 2n ** 64n - 1n],
  ['boolean', 'boolean', true],
  ['any', 'null', { type: 'null' }],
  ['any', 'int32', { type: 'int32', value: -1 }],
  ['any', 'uint64', { type: 'uint64', value: 2n ** 64n - 1n }],
  ['any', 'ipv4', { type: 'ipv4', value: IpAddress.parse('192.0.2.7') }],
  ['any', 'binary', { type: 'binary', value: Buffer.from([0, 255]) }],
]

describe('types', () => {
  for (const [type, from, value] of accepted) {
    it(`${type} takes ${from}`, async (t) => {
      assert.deepEqual(await receive(t, { a: type } as Schema, `01 01 "a" ${wire[from]}`), { a: value })
    })
  }

  it('every other pair is refused, naming message, argument, wanted and got', async (t) => {
    const logger = new MemoryLogger()
    const types = ['ip', 'string', 'latin1', 'binary', 'integer', 'bigint', 'boolean'] as const
    const { open } = await stage(t, { logger }, (agent) => {
      for (const type of types) agent.message(type, { a: type }, () => assert.fail('called'))
    })
    const peer = await open()
    for (const type of types) {
      for (const [from, bytes] of Object.entries(wire)) {
        if (accepted.some(([one, other]) => one === type && other === from)) continue
        const name = `0${type.length} "${type}"`
        logger.lines.length = 0
        const lines = logger.lines
        assert.deepEqual(await peer.ask(notify('01 01', `${name} 01 01 "a" ${bytes}`)), ack('01 01'))
        // The log tells each kind of trouble once a second.
        const [line] = lines
        if (line === undefined) continue
        const { message } = line.fields['err'] as Error
        assert.equal(
          message,
          `an argument has not the declared type: message '${type}', argument 'a': wanted ${type}, got ${from}`,
        )
      }
    }
  })

  it('an integer that a number cannot hold is refused as integer', async (t) => {
    const least = '01 01 "a" 04 f0 f1 fe fe fe fe fe fe fe 06' // -2^63
    assert.match(String(await receive(t, { a: 'integer' }, least)), /wanted integer, got int64/)
    assert.deepEqual(await receive(t, { a: 'bigint' }, least), { a: -(2n ** 63n) })
  })

  it('false is false, whatever the flags that no document names', async (t) => {
    assert.deepEqual(await receive(t, { a: 'boolean' }, '01 01 "a" 01'), { a: false })
    assert.deepEqual(await receive(t, { a: 'boolean' }, '01 01 "a" e1'), { a: false })
    assert.deepEqual(await receive(t, { a: 'boolean' }, '01 01 "a" f1'), { a: true })
  })

  it('a reserved type is the peer breaking the protocol', async (t) => {
    const { open } = await stage(t, {}, (agent) => agent.message('m', { a: 'ip' }, () => {}))
    for (const payload of ['01 "m" 01 01 "a" 0a', '01 "m" 01 01 "b" 0f', '01 "x" 01 01 "a" 0c']) {
      const peer = await open()
      peer.send(notify('01 01', payload))
      assert.equal((await peer.farewell()).status, 4, payload)
    }
  })
})

describe('optional, missing and NULL', () => {
  it('a missing or NULL argument is refused without ?, and undefined with it', async (t) => {
    assert.match(String(await receive(t, { a: 'string' }, '00')), /argument 'a': wanted string, got nothing$/)
    assert.match(String(await receive(t, { a: 'string' }, '01 01 "a" 00')), /wanted string, got null$/)
    assert.deepEqual(await receive(t, { a: 'string?' }, '00'), { a: undefined })
    assert.deepEqual(await receive(t, { a: 'string?' }, '01 01 "a" 00'), { a: undefined })
    assert.deepEqual(await receive(t, { a: 'string?' }, '01 01 "a" 08 00'), { a: '' })
    assert.match(String(await receive(t, { a: 'string?' }, '01 01 "a" 11')), /wanted string, got boolean$/)
  })

  it('the first of a repeated name counts; the first that is not NULL when it is optional', async (t) => {
    const twice = '03 01 "a" 00 01 "a" 04 01 01 "a" 04 02'
    assert.deepEqual(await receive(t, { a: 'integer?' }, twice), { a: 1 })
    assert.deepEqual(await receive(t, { a: 'integer' }, '02 01 "a" 04 01 01 "a" 04 02'), { a: 1 })
  })

  it('[] collects all of a name, without the NULLs, and may be empty', async (t) => {
    assert.deepEqual(await receive(t, { a: 'integer[]' }, '03 01 "a" 04 01 01 "a" 00 01 "a" 04 02'), {
      a: [1, 2],
    })
    assert.deepEqual(await receive(t, { a: 'integer[]' }, '00'), { a: [] })
    assert.match(String(await receive(t, { a: 'integer[]' }, '02 01 "a" 04 01 01 "a" 11')), /got boolean/)
  })
})

describe('names and positions', () => {
  it('#n is the argument at a position, whatever it is called', async (t) => {
    const args = '03 00 06 7f 00 00 01  01 "k" 04 07  00 08 01 "z"'
    assert.deepEqual(await receive(t, { '#0': 'ip', '#2': 'string', k: 'integer' }, args), {
      '#0': IpAddress.parse('127.0.0.1'),
      '#2': 'z',
      k: 7,
    })
    assert.match(String(await receive(t, { '#3': 'ip' }, args)), /argument '#3': wanted ip, got nothing/)
  })

  it('the empty name is that of all unnamed arguments', async (t) => {
    assert.deepEqual(await receive(t, { '': 'integer[]' }, '03 00 04 01 01 "k" 04 02 00 04 03'), {
      '': [1, 3],
    })
  })

  it('names that objects have by themselves are names like others', async (t) => {
    const args = '03 0b "constructor" 04 01 09 "__proto__" 04 02 08 "toString" 04 03'
    assert.deepEqual(
      await receive(t, { constructor: 'integer', toString: 'integer' } as unknown as Schema, args),
      {
        constructor: 1,
        toString: 3,
      },
    )
    const schema = Object.fromEntries([['__proto__', 'integer']]) as Schema
    const got = (await receive(t, schema, args)) as object
    assert.deepEqual(Object.entries(got), [['__proto__', 2]])
  })

  it('the order may change from message to message, and names are compared whole', async (t) => {
    const seen: unknown[] = []
    const { open } = await stage(t, {}, (agent) =>
      agent.message('m', { a: 'integer', ab: 'string?' }, ({ a, ab }) => void seen.push([a, ab])),
    )
    const peer = await open()
    for (const args of [
      '02 01 "a" 04 01 02 "ab" 08 01 "x"',
      '02 02 "ab" 08 01 "y" 01 "a" 04 02',
      '02 01 "a" 04 03 02 "ac" 04 09',
      '03 02 "xx" 11 02 "ab" 08 01 "z" 01 "a" 04 04',
      '01 01 "a" 04 05',
    ]) {
      await peer.ask(notify('01 01', `01 "m" ${args}`))
    }
    assert.deepEqual(seen, [
      [1, 'x'],
      [2, 'y'],
      [3, undefined],
      [4, 'z'],
      [5, undefined],
    ])
  })

  it('a message that is refused does not hide the one behind it', async (t) => {
    const { open } = await stage(t, {}, (agent) => {
      agent.message('bad', { a: 'ip' }, () => assert.fail('called'))
      agent.message('good', { a: 'integer' }, ({ a }, actions) => void actions.setVar('txn', 'x', a))
    })
    const peer = await open()
    const answer = await peer.ask(
      notify('01 01', '03 "bad" 03 01 "a" 08 03 "abc" 00 11 01 "b" 07 00*16  04 "good" 01 01 "a" 04 09'),
    )
    assert.deepEqual(answer, ack('01 01', '01 03 02 01 "x" 04 09'))
  })

  it('255 arguments are read, and one more than there are is the end of the connection', async (t) => {
    let count = 0
    const { open } = await stage(t, {}, (agent) =>
      agent.message('m', { a: 'integer[]' }, ({ a }) => void (count = a.length)),
    )
    const peer = await open()
    const many = Array.from({ length: 255 }, () => '01 "a" 04 01').join(' ')
    assert.deepEqual(await peer.ask(notify('01 01', `01 "m" ff ${many}`)), ack('01 01'))
    assert.equal(count, 255)
    peer.send(notify('02 01', '01 "m" 02 01 "a" 04 01'))
    assert.equal((await peer.farewell()).status, 4)
  })
})

describe('declarations', () => {
  it('a type that is none is refused at once, with the ones that are', () => {
    const agent = createAgent()
    for (const spec of ['ipp', 'ip??', 'ip[]?', '', 'constructor', 'any!']) {
      assert.throws(() => agent.message('m', { a: spec as 'ip' }, () => {}), {
        code: 'ERR_AGENT_SCHEMA',
        message: new RegExp(
          `message 'm', argument 'a': '${spec.replaceAll(/[?[\]]/g, '\\$&')}' is not one of ip, string`,
        ),
      })
    }
  })

  it('a message has one handler, and so has the rest', () => {
    const agent = createAgent()
      .message('m', () => {})
      .otherwise(() => {})
    assert.throws(() => agent.message('m', { a: 'ip' }, () => {}), { code: 'ERR_AGENT_DUPLICATE' })
    assert.throws(() => agent.otherwise(() => {}), { code: 'ERR_AGENT_DUPLICATE' })
    assert.throws(() => agent.message('n', { a: 'ip' }, undefined as never), { code: 'ERR_SLUICE_OPTION' })
  })
})
