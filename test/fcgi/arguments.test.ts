/**
 * Every public function of sluice/fcgi refuses wrong arguments with an error that names them, before anything is begun.
 * Each parameter, and each field of those that are objects, is replaced by everything else.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it, test } from 'node:test'
import type { TestContext } from 'node:test'
import * as fcgi from 'sluice/fcgi'
import type { FcgiContext } from 'sluice/fcgi'
import { SluiceError, UsageError } from 'sluice'
import { Writer } from 'sluice/spop'
import { connectPeer, request as wireRequest, tempDir } from './support.ts'

type Loose = (...args: readonly unknown[]) => unknown

const throwing = new Proxy(
  {},
  {
    get: () => {
      throw new Error('planted')
    },
  },
)
class Thing {
  readonly a = 1
}
/** One value of each kind. */
const values = {
  undefined: undefined,
  null: null,
  boolean: true,
  number: 5,
  fraction: 0.5,
  negative: -1,
  nan: NaN,
  bigint: 5n,
  text: 'x',
  symbol: Symbol('x'),
  array: [5],
  pairs: [['a', 'b']],
  wrongPairs: [['a', {}]],
  nested: [[['a', 'b']]],
  object: { sluice: 5 },
  instance: new Thing(),
  date: new Date(0),
  map: new Map([['a', 'b']]),
  wrongMap: new Map([[1, 2]]),
  set: new Set(['a']),
  function: () => 5,
  bytes: Buffer.of(5),
  throwing,
  throwingArray: Object.defineProperty(
    [1],
    0,
    Object.getOwnPropertyDescriptor(
      {
        get 0() {
          throw new Error('planted')
        },
      },
      0,
    ) ?? {},
  ),
} as const
type Kind = keyof typeof values

interface Parameter {
  readonly good: () => unknown
  readonly takes: readonly Kind[]
  /** For an object: which kinds each of its fields takes. */
  readonly fields: Readonly<Record<string, readonly Kind[]>>
}

const parameter = (good: () => unknown, ...takes: readonly Kind[]): Parameter => ({ good, takes, fields: {} })
const object = (good: () => object, fields: Parameter['fields'], ...takes: readonly Kind[]): Parameter => ({
  good,
  takes,
  fields,
})
const text = (good = 'x') => parameter(() => good, 'text')
const bytes = parameter(() => Buffer.alloc(8), 'bytes')
const writer = parameter(() => new Writer())
const whole = (good = 1, ...more: Kind[]) => parameter(() => good, 'number', ...more)
const anything = Object.keys(values) as Kind[]

const requestOf = () => ({ params: [['A', 'b']], body: Buffer.of(1) })
const request = object(requestOf, {
  params: ['pairs', 'map'],
  body: ['undefined', 'bytes'],
  hasBody: ['undefined', 'boolean'],
  role: ['undefined', 'number'],
})
const init = object(requestOf, {
  params: ['pairs', 'map'],
  body: ['undefined', 'bytes', 'text'],
  signal: ['undefined'],
  role: ['undefined', 'number'],
  onInformational: ['undefined', 'function'],
  onStderr: ['undefined', 'function'],
  data: ['undefined'],
})
const handlerOf = () => ({ onHead() {}, onBody: () => true, onEnd() {}, onError() {} })
const handler = object(handlerOf, {
  onHead: ['function'],
  onBody: ['function'],
  onEnd: ['function'],
  onError: ['function'],
  onInformational: ['undefined', 'function'],
  onDrain: ['undefined', 'function'],
  onStderr: ['undefined', 'function'],
})
const app = () => fcgi.resolveFcgiApp({ docroot: '/srv/www' })
const number: readonly Kind[] = ['undefined', 'number']
const flag: readonly Kind[] = ['undefined', 'boolean']

const clientOptions = object(() => ({ endpoint: '/nowhere' }), {
  endpoint: [],
  servers: ['undefined'],
  keepConn: flag,
  getValues: flag,
  multiplex: flag,
  retryUnsafe: flag,
  padding: flag,
  maxRequests: number,
  maxConnections: number,
  maxIdleConnections: number,
  idleTimeout: number,
  connectTimeout: number,
  responseTimeout: number,
  maxQueue: number,
  queueTimeout: number,
  maxRetries: number,
  maxReplaySize: number,
  maxUnsizedBody: number,
  unsizedBodyMemory: number,
  maxHeadSize: ['undefined'],
  maxHeaders: number,
  encoding: ['undefined'],
  onStderr: ['undefined', 'function'],
  logger: ['undefined'],
})
const responderOptions = object(() => ({ onRequest() {} }), {
  onRequest: ['function'],
  roles: ['undefined'],
  maxConnections: number,
  maxRequestsPerConnection: number,
  maxRequests: number,
  maxParamsSize: number,
  maxParams: number,
  stdinBufferSize: number,
  maxPendingOutput: number,
  paramsTimeout: number,
  stdinTimeout: number,
  stallTimeout: number,
  idleTimeout: number,
  allowedPeers: ['undefined'],
  socketMode: number,
  padding: flag,
  encoding: ['undefined'],
  logger: ['undefined'],
})
/** The same, of which `serveFcgi` has the handler itself; one that has no key of its own says nothing. */
const { onRequest: _, ...serveFields } = responderOptions.fields
const serveOptions = object(() => ({}), serveFields, 'undefined', 'throwing')
const phpOptions = object(() => ({ root: '/srv/www', socket: '/nowhere' }), {
  root: ['text'],
  socket: [],
  docroot: ['undefined', 'text'],
  tryFiles: ['undefined'],
  index: ['undefined'],
  params: ['undefined', 'function', 'throwing'],
  passHeaders: ['undefined'],
  maxBodySize: number,
  maxPathSize: number,
  onError: ['undefined', 'function'],
  client: ['undefined', 'throwing'],
})
const environmentRequest = object(
  () => ({
    method: 'GET',
    target: '/',
    version: 'HTTP/1.1',
    headers: new fcgi.HeaderList(),
    remoteAddress: '',
    remotePort: 1,
    localAddress: '',
    localPort: 1,
    tls: false,
  }),
  {
    method: ['text'],
    // As text it is for the path to be judged.
    target: ['text'],
    version: ['text'],
    headers: [],
    remoteAddress: ['text'],
    remotePort: ['number'],
    localAddress: ['text'],
    localPort: ['number'],
    tls: ['boolean'],
    bodySize: number,
  },
)
const appOptions = object(() => ({ docroot: '/srv/www' }), {
  docroot: ['text'],
  index: ['undefined', 'text'],
  pathInfo: ['undefined', 'text'],
  preserveHeaderNames: flag,
  serverNamePort: flag,
  allowTraversal: flag,
  serverSoftware: ['undefined', 'text'],
  maxPathSize: number,
})
const rules = object(
  () => ({}),
  { passHeaders: ['undefined', 'set'], setParams: ['undefined', 'pairs', 'map'] },
  'undefined',
  // They have none of its fields, all of which are optional.
  'object',
  'instance',
  'date',
  'map',
  'wrongMap',
  'set',
  'bytes',
  'function',
)

interface Subject {
  readonly call: Loose
  readonly parameters: readonly Parameter[]
}
const subject = (call: unknown, ...parameters: readonly Parameter[]): Subject => ({
  call: call as Loose,
  parameters,
})
const made = (type: unknown, ...parameters: readonly Parameter[]): Subject =>
  subject(
    (...args: readonly unknown[]) => Reflect.construct(type as new () => object, [...args]),
    ...parameters,
  )
const method = <T extends object>(from: () => T, name: keyof T, ...parameters: readonly Parameter[]) =>
  subject((...args: readonly unknown[]) => (from()[name] as Loose)(...args), ...parameters)

const nowhere = { endpoint: '/nowhere/at/all.sock' }
const clients: fcgi.FcgiClient[] = []
const client = () => {
  const made = fcgi.createFcgiClient(nowhere)
  clients.push(made)
  return made
}
const responder = () => fcgi.createFcgiResponder({ onRequest() {} })
const exchange = () => client().start({ params: [], hasBody: true }, handlerOf())
after(() => {
  for (const each of clients) each.destroy()
})

const end = parameter(() => 8, 'undefined', 'number')
const sink = object(() => ({ onInformational() {}, onHead() {}, onBody() {} }), {
  onInformational: ['function'],
  onHead: ['function'],
  onBody: ['function'],
})
const decoder = () => new fcgi.CgiResponseDecoder('GET', { maxHeadSize: 100, maxHeaders: 10 })
const id = whole(1)

const table: Readonly<Record<string, Subject>> = {
  createFcgiClient: subject(fcgi.createFcgiClient, clientOptions),
  'client.request': method(client, 'request', init),
  'client.start': method(client, 'start', request, handler),
  'client.destroy': method(
    client,
    'destroy',
    parameter(() => undefined, 'undefined'),
  ),
  'exchange.write': method(
    exchange,
    'write',
    parameter(() => Buffer.of(1), 'bytes'),
  ),
  createFcgiResponder: subject(fcgi.createFcgiResponder, responderOptions),
  'responder.listen': method(
    responder,
    'listen',
    parameter(() => '127.0.0.1:0'),
  ),
  resolveFcgiApp: subject(fcgi.resolveFcgiApp, appOptions),
  deriveEnvironment: subject(fcgi.deriveEnvironment, environmentRequest, parameter(app), rules),
  encodeRecord: subject(
    fcgi.encodeRecord,
    writer,
    whole(6),
    id,
    bytes,
    parameter(() => true, ...anything),
  ),
  encodeRecordHeader: subject(fcgi.encodeRecordHeader, writer, whole(6), id, whole(0), whole(0, 'undefined')),
  recordTypeName: subject(fcgi.recordTypeName, whole()),
  'recordFraming.sizeAt': subject(
    (bytes: Buffer, at: number) => fcgi.recordFraming.sizeAt(bytes, at),
    parameter(() => Buffer.from('0106000100000000', 'hex')),
    parameter(() => 0),
  ),
  'RecordReader.push': method(() => new Bound(), 'push', bytes),
  encodeBeginRequest: subject(
    fcgi.encodeBeginRequest,
    writer,
    id,
    whole(1),
    parameter(() => true, 'boolean'),
  ),
  encodeEndRequest: subject(fcgi.encodeEndRequest, writer, id, whole(0), whole(0)),
  encodeUnknownType: subject(fcgi.encodeUnknownType, writer, whole(0)),
  encodeGetValues: subject(
    fcgi.encodeGetValues,
    writer,
    parameter(() => ['a'], 'set'),
  ),
  encodeGetValuesResult: subject(
    fcgi.encodeGetValuesResult,
    writer,
    parameter(() => [['a', 'b']], 'pairs', 'map'),
  ),
  encodeParams: subject(
    fcgi.encodeParams,
    writer,
    id,
    parameter(() => [['a', 'b']], 'pairs', 'map'),
    parameter(() => 'utf8', 'undefined'),
  ),
  decodeBeginRequest: subject(fcgi.decodeBeginRequest, bytes, whole(0, 'undefined'), end),
  decodeEndRequest: subject(fcgi.decodeEndRequest, bytes, whole(0, 'undefined'), end),
  decodeUnknownType: subject(fcgi.decodeUnknownType, bytes, whole(0, 'undefined'), end),
  decodeGetValues: subject(fcgi.decodeGetValues, bytes, whole(0, 'undefined'), end),
  decodeGetValuesResult: subject(fcgi.decodeGetValuesResult, bytes, whole(0, 'undefined'), end),
  decodePairs: subject(
    fcgi.decodePairs,
    bytes,
    whole(0),
    parameter(() => 8, 'number', 'undefined'),
    parameter(() => () => {}, 'function'),
  ),
  formatStderr: subject(fcgi.formatStderr, bytes),
  ParamsDecoder: made(
    fcgi.ParamsDecoder,
    object(() => ({ maxParamsSize: 100, maxParams: 10 }), {
      maxParamsSize: ['number'],
      maxParams: ['number'],
    }),
    parameter(() => 'latin1', 'undefined'),
  ),
  'ParamsDecoder.push': method(() => new BoundParams(), 'push', bytes),
  CgiResponseDecoder: made(
    fcgi.CgiResponseDecoder,
    text('GET'),
    object(() => ({ maxHeadSize: 100, maxHeaders: 10 }), { maxHeadSize: ['number'], maxHeaders: ['number'] }),
  ),
  phpFpm: subject(fcgi.phpFpm, phpOptions),
  serveFcgi: subject(
    async (...args: Parameters<typeof fcgi.serveFcgi>) => (await fcgi.serveFcgi(...args)).destroy(),
    parameter(() => () => {}, 'function'),
    parameter(() => '127.0.0.1:0'),
    serveOptions,
  ),
  readHttpRequest: subject(
    fcgi.readHttpRequest,
    parameter(() => new Map(), 'map'),
  ),
  readAuthorization: subject(
    fcgi.readAuthorization,
    object(() => ({ status: 200, headers: new fcgi.HeaderList() }), { status: [], headers: [] }),
  ),
  'CgiResponseDecoder.push': subject(
    (chunk: Buffer, to: fcgi.CgiResponseSink) => decoder().push(chunk, to),
    parameter(() => Buffer.from('A: b\n\n'), 'bytes'),
    sink,
  ),
}

/** Methods that are called without their object must find it. */
class Bound extends fcgi.RecordReader {
  override push = (chunk: Buffer): void => super.push(chunk)
}
class BoundParams extends fcgi.ParamsDecoder {
  constructor() {
    super({ maxParamsSize: 100, maxParams: 10 })
  }
  override push = (content: Buffer): void => super.push(content)
}

/** Constants, errors, and what is the way to one of the table. */
const elsewhere = [
  'BeginFlag',
  'FcgiError',
  'HeaderList',
  'ProtocolStatus',
  'RecordReader',
  'RecordType',
  'Role',
  'fcgiFaults',
  'fcgiVersion',
  'headerSize',
  'hiddenHeaders',
  'managementId',
  'maxContentSize',
  'recordFraming',
  'valueNames',
]

test('the table has every function that is exported', () => {
  const known = new Set([...Object.keys(table), ...elsewhere])
  assert.deepEqual(
    Object.keys(fcgi).filter((name) => !known.has(name)),
    [],
  )
})

async function outcome(call: Loose, args: readonly unknown[]): Promise<unknown> {
  try {
    await call(...args)
    return undefined
  } catch (error) {
    return error
  }
}

const named = (kind: string, error: unknown) =>
  `${kind}: ${error instanceof Error ? error.stack : String(error)}`

for (const [name, { call, parameters }] of Object.entries(table)) {
  describe(name, () => {
    for (const [at, { good, takes, fields }] of parameters.entries()) {
      const args = (given: unknown) => parameters.map((each, index) => (index === at ? given : each.good()))

      it(`refuses what parameter ${at + 1} cannot be`, async () => {
        for (const [kind, value] of Object.entries(values)) {
          if (takes.includes(kind as Kind)) continue
          const error = await outcome(call, args(value))
          assert.ok(error instanceof SluiceError && error.fault === 'local', named(kind, error))
        }
      })
      for (const [field, kinds] of Object.entries(fields)) {
        it(`refuses what ${field} cannot be`, async () => {
          for (const [kind, value] of Object.entries(values)) {
            if (kinds.includes(kind as Kind)) continue
            const given = { ...(good() as object), [field]: value }
            const error = await outcome(call, args(given))
            assert.ok(error instanceof SluiceError && error.fault === 'local', named(kind, error))
          }
          const getter = Object.defineProperty({ ...(good() as object) }, field, {
            enumerable: true,
            get: () => {
              throw new Error('planted')
            },
          })
          const error = await outcome(call, args(getter))
          assert.ok(error instanceof UsageError, named('a getter that throws', error))
          assert.match(error.message, /planted/)
        })
      }
    }
  })
}

test('nothing was begun for any of them', () => {
  for (const { stats } of clients) assert.equal(stats.failed, 0)
})

describe('in a handler', () => {
  // An object is taken by its own fields.
  const headers = parameter(() => ({}), 'undefined', 'pairs', 'map', 'object', 'instance', 'date', 'throwing')
  const contextMethods: Readonly<Record<string, readonly [Parameter, ...Parameter[]]>> = {
    writeHead: [parameter(() => 200), headers],
    write: [parameter(() => 'x', 'text', 'bytes')],
    stderr: [parameter(() => 'x', 'text')],
    end: [parameter(() => 0, 'undefined', 'number', 'negative')],
  }
  async function answerOf(t: TestContext, onRequest: fcgi.FcgiHandler) {
    const path = join(tempDir(t), 'r.sock')
    const responder = fcgi.createFcgiResponder({ onRequest })
    await responder.listen(path)
    const peer = await connectPeer(t, { path })
    peer.send(wireRequest(1, {}))
    const seen = await peer.until('END', 1)
    responder.destroy()
    return seen.find((each) => each.type === 'STDOUT')?.content.toString('latin1')
  }
  for (const [name, parameters] of Object.entries(contextMethods)) {
    it(`${name} refuses what it cannot take`, async (t) => {
      const wrong: string[] = []
      await answerOf(t, async (context) => {
        for (const [at, { takes }] of parameters.entries()) {
          for (const [kind, value] of Object.entries(values)) {
            if (takes.includes(kind as Kind)) continue
            const args = parameters.map((each, index) => (index === at ? value : each.good()))
            const error = await outcome(
              (...all) => (context[name as keyof FcgiContext] as Loose)(...all),
              args,
            )
            const isRight =
              error instanceof SluiceError && (name === 'writeHead' || error instanceof UsageError)
            if (!isRight) wrong.push(named(`${at + 1} ${kind}`, error))
          }
        }
      })
      assert.deepEqual(wrong, [])
    })
  }

  it('an answer that is none becomes 500, whole', async (t) => {
    const answers: [string, unknown][] = Object.entries(values).filter(
      ([kind]) =>
        !['undefined', 'object', 'instance', 'date', 'map', 'wrongMap', 'set', 'bytes'].includes(kind),
    )
    for (const body of [null, 5, {}, [], ['a'], () => {}]) answers.push(['body', { body }])
    for (const appStatus of [null, 'x', 0.5, {}]) answers.push(['appStatus', { appStatus }])
    for (const status of [null, 'x', 0.5, {}, 99, 1000]) answers.push(['status', { status }])
    for (const headers of [null, 'x', 5, { a: {} }, { a: Symbol('x') }, [['a']], [5]])
      answers.push(['headers', { headers }])
    for (const [kind, answer] of answers) {
      const got = await answerOf(t, () => answer as fcgi.FcgiReply)
      assert.match(got ?? '', /^Status: 500 /, kind)
    }
  })
})
