/** Every data type through the real HAProxy, in both directions: sample fetches to arguments, actions to variables. */
import assert from 'node:assert/strict'
import { Agent as HttpAgent } from 'node:http'
import { describe, it } from 'node:test'
import { decodeHeadersBin, IpAddress, type Actions, type Agent, type TypedData } from 'sluice/agent'
import { haproxyHeadersBytes } from 'sluice/testing'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { ask, startAgent, startSpoe } from './agent-support.ts'

const skip = skipWithoutHaproxy()

/** A value as plain text and type, to be compared. */
function plain(data: TypedData): unknown {
  if (data.type === 'null') return null
  if (data.type === 'ipv4' || data.type === 'ipv6') return `${data.type} ${data.value.toString()}`
  if (data.type === 'binary') return `binary ${data.value.toString('hex')}`
  return `${data.type} ${String(data.value)}`
}

describe('arguments', { skip }, () => {
  it('of every type arrive as they are, in order, unnamed, repeated and missing ones too', async (t) => {
    const seen: [string, unknown][] = []
    let headers: [string, string][] = []
    let compared = 0
    const typed: unknown[] = []
    const { port } = await startAgent(t, (agent) => {
      agent.otherwise((message) => {
        for (const [name, data] of message.args) {
          if (name === 'hdrs' && data.type === 'binary') {
            headers = decodeHeadersBin(data.value)
            assert.deepEqual(
              haproxyHeadersBytes(headers),
              data.value,
              "what sluice/testing makes is HAProxy's",
            )
            compared++
          } else seen.push([name, plain(data)])
        }
      })
      agent.message(
        'typed',
        {
          m: 'string',
          ip: 'ip',
          ip6: 'ip',
          n: 'integer',
          least: 'bigint',
          no: 'string?',
          bin: 'binary',
          f: 'boolean',
        },
        (args) => void typed.push(args),
      )
    })
    const haproxy = await startSpoe(t, {
      agents: port,
      agentLines: 'messages all typed',
      messages: `
spoe-message all
  args t=bool(true) f=bool(false) zero=int(0) n=int(-5) one=int(300) max=int(9223372036854775807)
  args min=int(-9223372036854775808) s=str(hello) e=str() m=method v=req.ver ip=src ip6=ipv6(2001:db8::1) mapped=ipv6(::ffff:192.0.2.1)
  args bin=bin(00ff10) none=req.hdr(x-none) path src uid=unique-id r=int(1) r=str(two) r=int(3) latin=req.hdr(x-latin)
  args hdrs=req.hdrs_bin len=req.hdrs_bin,length
  event on-frontend-http-request
spoe-message typed
  args m=method ip=src ip6=ipv6(2001:db8::1) n=int(-5) least=int(-9223372036854775808) no=req.hdr(x-none) bin=bin(00ff10) f=bool(false)
  event on-frontend-http-request`,
      frontend: 'unique-id-format id-%rt',
    })
    const question = {
      method: 'PATCH',
      path: '/a/b?c=d',
      headers: { 'X-Latin': 'h\xe9', 'X-Twice': ['1', '2'] },
    }
    assert.equal((await ask(haproxy.ports.fe, question)).status, 200)
    const uid = seen.find(([name]) => name === 'uid')
    assert.match(String(uid?.[1]), /^string id-\d+$/)
    assert.equal(compared, 1)
    const size = seen.find(([name]) => name === 'len')
    assert.deepEqual(
      seen.filter((each) => each !== uid && each !== size),
      [
        ['t', 'boolean true'],
        ['f', 'boolean false'],
        ['zero', 'int64 0'],
        ['n', 'int64 -5'],
        ['one', 'int64 300'],
        ['max', 'int64 9223372036854775807'],
        ['min', 'int64 -9223372036854775808'],
        ['s', 'string hello'],
        ['e', 'string '],
        ['m', 'string PATCH'],
        ['v', 'string 1.1'],
        ['ip', 'ipv4 127.0.0.1'],
        ['ip6', 'ipv6 2001:db8::1'],
        ['mapped', `ipv6 ${IpAddress.parse('::ffff:192.0.2.1').toString()}`],
        ['bin', 'binary 00ff10'],
        ['none', null],
        ['', 'string /a/b'],
        ['', 'ipv4 127.0.0.1'],
        ['r', 'int64 1'],
        ['r', 'string two'],
        ['r', 'int64 3'],
        ['latin', 'string h\ufffd'],
      ],
    )
    assert.deepEqual(
      headers.filter(([name]) => name.startsWith('x-')),
      [
        ['x-latin', 'h\xe9'],
        ['x-twice', '1'],
        ['x-twice', '2'],
      ],
    )
    assert.ok(headers.some(([name]) => name === 'host'))
    assert.deepEqual(typed, [
      {
        m: 'PATCH',
        ip: IpAddress.parse('127.0.0.1'),
        ip6: IpAddress.parse('2001:db8::1'),
        n: -5,
        least: -(2n ** 63n),
        no: undefined,
        bin: Buffer.from([0, 255, 16]),
        f: false,
      },
    ])
  })
})

/** What the agent sets, and how HAProxy prints it in a log-format. */
const values: readonly [name: string, set: (actions: Actions, name: string) => unknown, printed: string][] = [
  ['yes', (actions, name) => actions.setVar('txn', name, true), '1'],
  ['no', (actions, name) => actions.setVar('txn', name, false), '0'],
  ['number', (actions, name) => actions.setVar('txn', name, 42), '42'],
  ['negative', (actions, name) => actions.setVar('txn', name, -42), '-42'],
  ['greatest', (actions, name) => actions.setVar('txn', name, 2n ** 63n - 1n), '9223372036854775807'],
  ['least', (actions, name) => actions.setVar('txn', name, -(2n ** 63n)), '-9223372036854775808'],
  ['int32', (actions, name) => actions.setVar('txn', name, { type: 'int32', value: -7 }), '-7'],
  [
    'uint32',
    (actions, name) => actions.setVar('txn', name, { type: 'uint32', value: 2 ** 32 - 1 }),
    '4294967295',
  ],
  ['uint64', (actions, name) => actions.setVar('txn', name, { type: 'uint64', value: 7 }), '7'],
  // HAProxy keeps 64 bits with a sign.
  ['over', (actions, name) => actions.setVar('txn', name, { type: 'uint64', value: 2n ** 64n - 1n }), '-1'],
  ['ip4', (actions, name) => actions.setVar('txn', name, IpAddress.parse('192.0.2.1')), '192.0.2.1'],
  ['ip6', (actions, name) => actions.setVar('txn', name, IpAddress.parse('2001:db8::9')), '2001:db8::9'],
  ['text', (actions, name) => actions.setVar('txn', name, 'some text'), 'some text'],
  ['empty', (actions, name) => actions.setVar('txn', name, ''), ''],
  ['utf8', (actions, name) => actions.setVar('txn', name, 'é'), 'Ã©'],
  ['bytes', (actions, name) => actions.setVar('txn', name, Buffer.from([0, 255, 16])), '00FF10'],
  ['dotted.name_9', (actions, name) => actions.setVar('txn', name, 1), '1'],
  ['l'.repeat(55), (actions, name) => actions.setVar('txn', name, 1), '1'],
  [
    'unset',
    (actions, name) => {
      actions.setVar('txn', name, 'set')
      actions.unsetVar('txn', name)
    },
    '',
  ],
  ['nothing', (actions, name) => actions.setVar('txn', name, null), ''],
  ['last', (actions, name) => actions.setVar('txn', name, 'read'), 'read'],
]

describe('names of variables', { skip }, () => {
  it('have 63 characters with scope and prefix: the longest arrives, one that is longer by one does not', async (t) => {
    const long = (scope: 'sess' | 'txn', more: number) => 'n'.repeat(63 - scope.length - 1 - 4 + more)
    const refused: unknown[] = []
    const setUp = (agent: Agent) =>
      agent.message('m', (_, actions) => {
        for (const scope of ['sess', 'txn'] as const) {
          for (const more of [0, 1]) {
            try {
              actions.setVar(scope, long(scope, more), scope)
            } catch (error) {
              refused.push((error as Error).message)
            }
          }
        }
      })
    const found: (string | undefined)[][] = []
    // The second agent believes that the prefix is shorter than it is, and says more than HAProxy takes.
    for (const varPrefix of ['ttt', 'tt']) {
      const { port } = await startAgent(t, (agent) => void setUp(agent), { varPrefix })
      const variables = (['sess', 'txn'] as const).flatMap((scope) =>
        [0, 1].map((more) => `${scope}.ttt.${long(scope, more)}`),
      )
      const haproxy = await startSpoe(t, {
        agents: port,
        agentLines: 'messages m\n  option var-prefix ttt',
        messages: 'spoe-message m\n  event on-frontend-http-request',
        frontend: variables
          .map((name, index) => `http-after-response set-header x-${index} "%[var(${name})]"`)
          .join('\n  '),
      })
      const { headers } = await ask(haproxy.ports.fe)
      found.push(variables.map((_, index) => headers[`x-${index}`] as string | undefined))
    }
    assert.deepEqual(refused, [
      `a variable name is not one that HAProxy takes: '${long('sess', 1)}' has 55 characters, and HAProxy takes 54 behind 'sess.ttt.'`,
      `a variable name is not one that HAProxy takes: '${long('txn', 1)}' has 56 characters, and HAProxy takes 55 behind 'txn.ttt.'`,
    ])
    assert.deepEqual(found[0], ['sess', '', 'txn', ''])
    assert.deepEqual(
      found[1]?.filter((_, index) => index % 2 === 1),
      ['', ''],
    )
  })
})

describe('variables', { skip }, () => {
  it('of every type are what HAProxy prints, and unset ones are gone', async (t) => {
    const { port } = await startAgent(t, (agent) =>
      agent.message('m', (_, actions) => {
        for (const [name, set] of values) set(actions, name)
      }),
    )
    const lines = values.map(([name], index) => {
      // Binary variables are printed as they are.
      const variable = `var(txn.t.${name})${name === 'bytes' ? ',hex' : ''}`
      return `http-after-response set-header x-${index} "%[${variable}]"`
    })
    const haproxy = await startSpoe(t, {
      agents: port,
      agentLines: 'messages m',
      messages: 'spoe-message m\n  event on-frontend-http-request',
      frontend: lines.join('\n  '),
    })
    const { headers } = await ask(haproxy.ports.fe)
    for (const [index, [name, , printed]] of values.entries())
      assert.equal(headers[`x-${index}`], printed, name)
  })

  it('have the scope that was said: a session outlives a transaction, a request its response does not', async (t) => {
    let count = 0
    const { port } = await startAgent(t, (agent) => {
      agent.message('ask', (_, actions) => {
        count++
        if (count === 1)
          for (const scope of ['proc', 'sess', 'txn', 'req'] as const) actions.setVar(scope, 'v', scope)
      })
      agent.message('reply', (_, actions) => void actions.setVar('res', 'v', `res${count}`))
    })
    const scopes = ['proc', 'sess', 'txn', 'req', 'res']
    const show = scopes.map((scope) => `http-response set-header x-${scope} "%[var(${scope}.t.v)]"`)
    const haproxy = await startSpoe(t, {
      agents: port,
      agentLines: 'messages ask reply',
      messages: `
spoe-message ask
  event on-frontend-http-request
spoe-message reply
  event on-http-response`,
      frontend: `http-request set-header x-early "%[var(req.t.v)]"\n  ${show.join('\n  ')}`,
      answer: `default_backend web
frontend origin
  bind unix@origin.sock
  http-request return status 200 hdr x-early "%[req.hdr(x-early)]"
backend web
  server origin unix@origin.sock`,
    })
    const kept = new HttpAgent({ keepAlive: true, maxSockets: 1 })
    t.after(() => kept.destroy())
    const read = async (agent?: HttpAgent) => {
      const { headers } = await ask(haproxy.ports.fe, agent === undefined ? {} : { agent })
      return ['early', ...scopes].map((name) => headers[`x-${name}`])
    }
    // A request's variables are gone when its response comes.
    assert.deepEqual(await read(kept), ['req', 'proc', 'sess', 'txn', '', 'res1'])
    assert.deepEqual(await read(kept), [undefined, 'proc', 'sess', '', '', 'res2'], 'the same session')
    assert.deepEqual(await read(), [undefined, 'proc', '', '', '', 'res3'], 'another session')
  })
})
