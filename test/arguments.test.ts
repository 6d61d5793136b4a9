/**
 * Every public function of the libraries refuses wrong arguments with an error that names them, before anything is begun.
 * The table has an entry for each function that is exported: what its parameters take. The test replaces each of them by
 * everything else.
 */
import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { after, describe, it, test } from 'node:test'
import * as root from 'sluice'
import { IpAddress, SluiceError, UsageError } from 'sluice'
import * as agentModule from 'sluice/agent'
import { createAgent } from 'sluice/agent'
import * as engineModule from 'sluice/engine'
import { createEngine } from 'sluice/engine'
import * as proxyModule from 'sluice/proxy'
import * as recordingModule from 'sluice/recording'
import * as spop from 'sluice/spop'
import { createReader, FrameHead, SpopFraming, Writer } from 'sluice/spop'
import * as testing from 'sluice/testing'
import { createDriver, createScriptedPeer, createSocketPair, MemorySocket } from 'sluice/testing'

/** As JavaScript calls them, where no compiler objects. */
type Loose = (...args: readonly unknown[]) => unknown

/** One value of each kind; `object` is one without any property that somebody looks for. */
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
  object: { sluice: 5 },
  function: () => 5,
  bytes: Buffer.of(5),
} as const

type Kind = keyof typeof values

/** A parameter: a good value, made anew for each call, and the kinds of {@link values} that are good as well. */
interface Parameter {
  readonly good: () => unknown
  readonly takes: readonly Kind[]
}

const parameter = (good: () => unknown, ...takes: readonly Kind[]): Parameter => ({ good, takes })

const anything = Object.keys(values) as Kind[]
const text = (good: string) => parameter(() => good, 'text')
const whole = (good: number, ...more: readonly Kind[]) => parameter(() => good, 'number', ...more)
const id = parameter(() => 1, 'number', 'bigint')
const calling = parameter(() => () => {}, 'function')
const options = (good: object = {}) => parameter(() => good, 'undefined')
const bytes = (good: Uint8Array) => parameter(() => good, 'bytes')
const reader = (hex: string) => parameter(() => createReader(Buffer.from(hex, 'hex')))
const writer = parameter(() => new Writer())
const value = parameter(() => 'v', 'null', 'boolean', 'number', 'negative', 'bigint', 'text', 'bytes')
const messages = parameter(() => [{ name: 'm', args: [['a', 1]] }])
const flag = parameter(() => true, ...anything)

interface Subject {
  readonly call: Loose
  readonly parameters: readonly Parameter[]
}

const subject = (call: unknown, ...parameters: readonly Parameter[]): Subject => ({
  call: call as Loose,
  parameters,
})

/** A constructor as a function. */
const made = (type: unknown, ...parameters: readonly Parameter[]): Subject =>
  subject(
    (...args: readonly unknown[]) => Reflect.construct(type as new () => object, [...args]),
    ...parameters,
  )

const agent = createAgent()
const engine = createEngine({ servers: ['unix@/nowhere'] })
const driver = createDriver(agent)
const peer = createScriptedPeer({ version: '3.5', agent })
const store = new agentModule.CorrelationStore<number>()
const bound = <T extends object>(object: T, name: keyof T) => (object[name] as Loose).bind(object)
after(async () => {
  peer.reset()
  await driver.close()
  await engine.close()
  await agent.close()
})

const hello = { type: 'agent-hello', version: '2.0', maxFrameSize: 16_380, capabilities: '' }
const haproxyHello = { ...hello, type: 'haproxy-hello', supportedVersions: '2.0', healthcheck: false }
const disconnect = { type: 'agent-disconnect', statusCode: 0, message: 'normal' }
const unset = { type: 'unset', streamId: 1, frameId: 1, fin: true, abort: false, payload: Buffer.of(1) }
const offer = { maxFrameSize: 16_380, capabilities: ['pipelining'] }
const range = parameter(() => '192.0.2.0/24')
const address = parameter(() => '192.0.2.1', 'text', 'bytes')

/** Functions that can only be called where something has been prepared, and names that are no functions of their own. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  sluice: ['SluiceError', 'UsageError'],
  'sluice/engine': ['EngineError', 'EncodedMessages'],
  // createAgentCluster and createOffload begin threads and processes: test/agent/cluster and test/agent/offload.
  'sluice/agent': [
    'AgentError',
    'Agent',
    'Context',
    'AgentCluster',
    'createAgentCluster',
    'Offload',
    'createOffload',
  ],
  'sluice/spop': ['SpopError', 'FrameHead', 'EncodedMessages'],
  'sluice/proxy': ['ProxyError'],
  'sluice/recording': ['RecordingError'],
  // The options of these are walked in test/testing/arguments.
  'sluice/testing': [
    'TestingError',
    'ScriptedPeer',
    'runConformance',
    'replayCapture',
    'MemorySocket',
    'createSocketPair',
  ],
}

const address4 = subject(bound(IpAddress, 'parse'), text('192.0.2.1'))

const table: Readonly<Record<string, Readonly<Record<string, Subject>>>> = {
  sluice: {
    createTextLogger: subject(
      root.createTextLogger,
      calling,
      parameter(() => 'info', 'undefined'),
    ),
    IpAddress: address4,
    'IpAddress.fromBytes': subject(
      bound(IpAddress, 'fromBytes'),
      parameter(() => Buffer.alloc(4)),
    ),
    CidrMap: subject(
      (...args: readonly unknown[]) => bound(new root.CidrMap(), 'set')(...args),
      range,
      parameter(() => 1, ...anything.filter((kind) => kind !== 'undefined')),
    ),
    'CidrMap.get': subject(bound(new root.CidrMap(), 'get'), address),
    'CidrMap.has': subject(bound(new root.CidrMap(), 'has'), address),
    parseCidr: subject(
      root.parseCidr,
      parameter(() => '192.0.2.0/24', ...anything),
    ), // undefined is its answer
    parseIp: subject(
      root.parseIp,
      parameter(() => '192.0.2.1', ...anything),
    ),
    formatIp: subject(
      root.formatIp,
      parameter(() => Buffer.alloc(4)),
    ),
    formatEndpoint: subject(
      root.formatEndpoint,
      parameter(() => ({ type: 'fd', fd: 3 })),
    ),
    parseEndpoint: subject(root.parseEndpoint, text('127.0.0.1:1')),
  },
  'sluice/engine': {
    IpAddress: address4,
    StringData: made(
      engineModule.StringData,
      parameter(() => 'x', 'text', 'bytes'),
    ),
    createEngine: subject(
      createEngine,
      parameter(() => ({ servers: ['unix@/nowhere'] })),
    ),
    createServerList: subject(
      engineModule.createServerList,
      parameter(() => ['unix@/nowhere']),
    ),
    send: subject(
      bound(engine, 'send'),
      parameter(() => ({ messages: [], timeout: 1 })),
    ),
    'send: messages': subject(
      (given: unknown) => (engine.send as Loose).call(engine, { messages: given, timeout: 1 }),
      messages,
    ),
    'send: message': subject(
      (given: unknown) => (engine.send as Loose).call(engine, { messages: [given], timeout: 1 }),
      parameter(() => ({ name: 'x', args: [] })),
    ),
    'send: name': subject(
      (name: unknown) => (engine.send as Loose).call(engine, { messages: [{ name, args: [] }], timeout: 1 }),
      text('x'),
    ),
    'send: args': subject(
      (args: unknown) => (engine.send as Loose).call(engine, { messages: [{ name: 'x', args }], timeout: 1 }),
      parameter(() => []),
    ),
    'send: argument': subject(
      (given: unknown) =>
        (engine.send as Loose).call(engine, { messages: [{ name: 'x', args: [given] }], timeout: 1 }),
      parameter(() => ['a', 1]),
    ),
    'send: value': subject(
      (given: unknown) =>
        (engine.send as Loose).call(engine, { messages: [{ name: 'x', args: [['a', given]] }], timeout: 1 }),
      value,
    ),
    'send: timeout': subject(
      (timeout: unknown) => (engine.send as Loose).call(engine, { messages: [], timeout }),
      whole(1, 'undefined'),
    ),
    'send: signal': subject(
      (signal: unknown) => (engine.send as Loose).call(engine, { messages: [], signal, timeout: 1 }),
      parameter(() => AbortSignal.abort(), 'undefined'),
    ),
    'send: stream': subject(
      (stream: unknown) => (engine.send as Loose).call(engine, { messages: [], stream, timeout: 1 }),
      parameter(() => engine.createStream(), 'undefined'),
    ),
    exchange: subject(
      bound(engine, 'exchange'),
      messages,
      whole(1),
      calling,
      parameter(() => engine.createStream(), 'undefined'),
    ),
    healthCheck: subject(bound(engine, 'healthCheck'), text('unix@/nowhere')),
    record: subject(
      bound(engine, 'record'),
      parameter(() => undefined, 'undefined'),
    ),
  },
  'sluice/agent': {
    IpAddress: address4,
    CidrMap: subject(bound(new agentModule.CidrMap(), 'get'), address),
    createAgent: subject(createAgent, options()),
    message: subject(
      (name: unknown, handler: unknown, given: unknown) =>
        (createAgent().message as Loose)(name, handler, given),
      text('m'),
      calling,
      options(),
    ),
    'message: schema': subject(
      (schema: unknown) => (createAgent().message as Loose)('m', schema, () => {}),
      parameter(() => ({ a: 'string' }), 'function'),
    ),
    otherwise: subject(
      (handler: unknown, given: unknown) => createAgent().otherwise(handler as () => void, given as object),
      calling,
      options(),
    ),
    use: subject(
      bound(agent, 'use'),
      parameter(() => ({ after: () => {} })),
    ),
    trace: subject(
      bound(agent, 'trace'),
      parameter(() => undefined, 'function', 'undefined'),
    ),
    accept: subject(
      bound(agent, 'accept'),
      parameter(() => new Duplex({ read() {}, write() {} }).destroy()),
      parameter(() => 'peer', 'text', 'undefined'),
    ),
    listen: subject(
      bound(agent, 'listen'),
      parameter(() => '/'.repeat(108)),
      options(),
    ),
    notifySystemd: subject(
      agentModule.notifySystemd,
      parameter(() => agent),
      options(),
    ),
    joinCluster: subject(
      agentModule.joinCluster,
      parameter(() => agent),
    ),
    CorrelationStore: made(
      agentModule.CorrelationStore,
      options(),
      parameter(() => Date.now, 'function', 'undefined'),
    ),
    'CorrelationStore.set': subject(
      bound(store, 'set'),
      text('k'),
      parameter(() => 1, ...anything),
    ),
    'CorrelationStore.get': subject(bound(store, 'get'), text('k')),
    'CorrelationStore.take': subject(bound(store, 'take'), text('k')),
    'CorrelationStore.delete': subject(bound(store, 'delete'), text('k')),
    'CorrelationStore.wait': subject(
      bound(store, 'wait'),
      text('n'),
      parameter(() => 0, 'number', 'fraction'),
      parameter(() => AbortSignal.abort(), 'undefined'),
    ),
    decodeHeadersBin: subject(agentModule.decodeHeadersBin, bytes(Buffer.of(0, 0)), options()),
    formatPrometheus: subject(
      agentModule.formatPrometheus,
      parameter(() => agent.stats),
    ),
    defineOffload: subject(
      agentModule.defineOffload,
      parameter(() => ({})),
    ),
    Message: made(
      agentModule.Message,
      text('m'),
      parameter(() => [], 'array'),
    ),
  },
  'sluice/spop': {
    IpAddress: address4,
    Reader: made(
      spop.Reader,
      calling,
      parameter(() => Buffer.alloc(9), 'undefined', 'bytes'),
      parameter(() => 0, 'undefined', 'number'),
      parameter(() => 9, 'undefined', 'number'),
    ),
    Writer: made(spop.Writer, whole(5, 'undefined')),
    FrameSplitter: made(
      spop.FrameSplitter,
      parameter(() => new SpopFraming()),
    ),
    'FrameSplitter.push': subject(
      bound(new spop.FrameSplitter(new SpopFraming()), 'push'),
      bytes(Buffer.of(1)),
    ),
    decodeActions: subject(
      spop.decodeActions,
      reader(''),
      parameter(() => undefined, 'undefined', 'function'),
    ),
    encodeAck: subject(
      spop.encodeAck,
      writer,
      id,
      id,
      parameter(() => [{ type: 'unset-var', scope: 'txn', name: 'x' }]),
      flag,
    ),
    encodeSetVar: subject(
      spop.encodeSetVar,
      writer,
      parameter(() => 'txn'),
      text('x'),
      value,
    ),
    encodeUnsetVar: subject(
      spop.encodeUnsetVar,
      writer,
      parameter(() => 'txn'),
      text('x'),
    ),
    decodeDisconnect: subject(
      spop.decodeDisconnect,
      reader(''),
      parameter(() => 'agent-disconnect'),
    ),
    encodeDisconnect: subject(
      spop.encodeDisconnect,
      writer,
      parameter(() => disconnect),
    ),
    statusText: subject(
      spop.statusText,
      parameter(() => 4, 'number', 'fraction', 'negative', 'nan'),
    ),
    encodeNotifyFragments: subject(
      spop.encodeNotifyFragments,
      writer,
      id,
      id,
      bytes(Buffer.alloc(300)),
      parameter(() => 256),
    ),
    FragmentAssembler: made(spop.FragmentAssembler, whole(5)),
    'FragmentAssembler.begin': subject(
      (...args: readonly unknown[]) => bound(new spop.FragmentAssembler(99), 'begin')(...args),
      id,
      id,
      bytes(Buffer.of(1)),
    ),
    'FragmentAssembler.append': subject(
      bound(new spop.FragmentAssembler(99), 'append'),
      parameter(() => unset),
    ),
    decodeFrame: subject(
      spop.decodeFrame,
      parameter(() => Buffer.from('0000000c670000000101010202020178', 'hex'), 'bytes'),
    ),
    encodeFrame: subject(
      spop.encodeFrame,
      writer,
      parameter(() => unset),
    ),
    createReader: subject(
      spop.createReader,
      parameter(() => Buffer.alloc(9), 'undefined', 'bytes'),
      parameter(() => 0, 'undefined', 'number'),
      parameter(() => 9, 'undefined', 'number'),
    ),
    readFrameHead: subject(
      spop.readFrameHead,
      reader('67000000010101'),
      parameter(() => new FrameHead()),
    ),
    SpopFraming: made(spop.SpopFraming, whole(256, 'undefined')),
    decodeAgentHello: subject(spop.decodeAgentHello, reader('')),
    decodeHaproxyHello: subject(spop.decodeHaproxyHello, reader('')),
    encodeAgentHello: subject(
      spop.encodeAgentHello,
      writer,
      parameter(() => hello, 'object', 'bytes'),
    ),
    encodeHaproxyHello: subject(
      spop.encodeHaproxyHello,
      writer,
      parameter(() => haproxyHello, 'object', 'bytes'),
    ),
    acceptAgentHello: subject(
      spop.acceptAgentHello,
      parameter(() => hello, 'object', 'bytes'),
      parameter(() => offer),
    ),
    acceptHaproxyHello: subject(
      spop.acceptHaproxyHello,
      parameter(() => haproxyHello, 'object', 'bytes'),
      parameter(() => offer),
    ),
    parseList: subject(spop.parseList, text('a, b')),
    decodeMessages: subject(spop.decodeMessages, reader('')),
    encodeMessages: subject(spop.encodeMessages, writer, messages),
    encodeNotify: subject(spop.encodeNotify, writer, id, id, messages),
    Message: made(
      spop.Message,
      text('m'),
      parameter(() => [], 'array'),
    ),
    stepAgent: subject(
      spop.stepAgent,
      parameter(() => 'idle', ...anything),
      parameter(() => 'lost', ...anything),
    ), // undefined is its answer
    stepEngine: subject(
      spop.stepEngine,
      parameter(() => 'open', ...anything),
      parameter(() => 'lost', ...anything),
    ),
    decodeTypedData: subject(spop.decodeTypedData, reader('00')),
    encodeTypedData: subject(
      spop.encodeTypedData,
      writer,
      parameter(() => ({ type: 'null' })),
    ),
    encodeValue: subject(spop.encodeValue, writer, value),
    StringData: made(
      spop.StringData,
      parameter(() => 'x', 'text', 'bytes'),
    ),
    toTypedData: subject(spop.toTypedData, value),
    readVarint: subject(spop.readVarint, reader('00')),
    readVarint64: subject(spop.readVarint64, reader('00')),
    writeVarint: subject(
      spop.writeVarint,
      writer,
      parameter(() => 1, 'number', 'negative', 'bigint'),
    ),
  },
  'sluice/proxy': {
    loadProxy: subject(
      proxyModule.loadProxy,
      parameter(() => ({ files: [] })),
    ),
    'loadProxy: files': subject(
      (files: unknown) => (proxyModule.loadProxy as Loose)({ files }),
      parameter(() => []),
    ),
    'loadProxy: env': subject(
      (env: unknown) => (proxyModule.loadProxy as Loose)({ files: [], env }),
      parameter(() => process.env, 'undefined'),
    ),
    'loadProxy: cwd': subject(
      (cwd: unknown) => (proxyModule.loadProxy as Loose)({ files: [], cwd }),
      parameter(() => '/', 'text', 'undefined'),
    ),
    'loadProxy: maxconn': subject(
      (maxconn: unknown) => (proxyModule.loadProxy as Loose)({ files: [], maxconn }),
      whole(5, 'undefined'),
    ),
    'loadProxy: agents': subject(
      (agents: unknown) => (proxyModule.loadProxy as Loose)({ files: [], agents }),
      parameter(() => ({ agent }), 'undefined'),
    ),
    createProxy: subject(
      proxyModule.createProxy,
      parameter(() => proxyModule.loadProxy({ files: [] }).plan),
      options(),
    ),
    formatDiagnostic: subject(
      proxyModule.formatDiagnostic,
      parameter(() => ({
        place: { file: 'f', line: 1, column: 1 },
        severity: 'note',
        message: 'm',
        code: 'c',
      })),
    ),
  },
  'sluice/recording': {
    // A folder that is not there: what is right would write a file.
    createRecorder: subject(recordingModule.createRecorder, text('/nowhere/x'), options()),
    openRecording: subject(recordingModule.openRecording, text('x')),
    replay: subject(
      recordingModule.replay,
      parameter(() => []),
      parameter(() => engine),
      options(),
    ),
  },
  'sluice/testing': {
    IpAddress: address4,
    parseCapture: subject(
      testing.parseCapture,
      parameter(() => ''),
    ),
    createDriver: subject(
      (given: unknown, more: unknown) => (createDriver as Loose)(given, more),
      parameter(() => ({ accept: (stream: Duplex) => stream.destroy() })),
      options(),
    ),
    Driver: made(
      testing.Driver,
      parameter(() => createSocketPair()[0].destroy()),
      options(),
    ),
    'Driver.notify': subject(
      bound(driver, 'notify'),
      parameter(() => 'm', 'text'),
      parameter(() => ({}), 'undefined', 'object'),
      options(),
    ),
    'Driver.notifyPayload': subject(bound(driver, 'notifyPayload'), bytes(Buffer.alloc(0)), options()),
    'Driver.sendRaw': subject(
      bound(driver, 'sendRaw'),
      bytes(Buffer.alloc(0)),
      parameter(() => 1, 'undefined', 'number'),
    ),
    haproxyHelloBytes: subject(
      testing.haproxyHelloBytes,
      parameter(() => ({ capabilities: '', engineId: '', maxFrameSize: 256 })),
    ),
    haproxyHeadersBytes: subject(
      testing.haproxyHeadersBytes,
      parameter(() => [['a', 'b']]),
    ),
    haproxyDisconnectBytes: subject(testing.haproxyDisconnectBytes, whole(0), text('normal')),
    'MemorySocket.join': subject(
      bound(MemorySocket, 'join'),
      parameter(() => new MemorySocket()),
      parameter(() => new MemorySocket()),
    ),
    createPair: subject(
      (agentOptions: unknown, engineOptions: unknown) =>
        void (testing.createPair as Loose)(agentOptions, engineOptions),
      options(),
      options(),
    ),
    parseHex: subject(
      testing.parseHex,
      parameter(() => '00'),
    ),
    createScriptedPeer: subject(
      createScriptedPeer,
      parameter(() => ({ version: '3.5', agent })),
    ),
    'ScriptedPeer.notify': subject(bound(peer, 'notify'), messages, options()),
    'ScriptedPeer.sendRaw': subject(
      bound(peer, 'sendRaw'),
      bytes(Buffer.alloc(0)),
      parameter(() => [], 'undefined', 'array'),
    ),
    'ScriptedPeer.expectAck': subject(
      bound(peer, 'expectAck'),
      parameter(() => ({ streamId: 1, frameId: 1 }), 'undefined'),
    ),
    variablesOf: subject(
      testing.variablesOf,
      parameter(() => [{ type: 'unset-var', scope: 'txn', name: 'x' }]),
    ),
    formatReceived: subject(
      testing.formatReceived,
      parameter(() => ({ bytes: Buffer.alloc(9), type: 5, streamId: 0, frameId: 0 })),
    ),
  },
}

const modules: Readonly<Record<string, object>> = {
  sluice: root,
  'sluice/engine': engineModule,
  'sluice/agent': agentModule,
  'sluice/spop': spop,
  'sluice/proxy': proxyModule,
  'sluice/recording': recordingModule,
  'sluice/testing': testing,
}

async function outcome(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

for (const [module, subjects] of Object.entries(table)) {
  describe(module, () => {
    for (const [name, { call, parameters }] of Object.entries(subjects)) {
      for (const [at, { takes }] of parameters.entries()) {
        it(`${name}, parameter ${at + 1}`, async () => {
          for (const kind of Object.keys(values) as Kind[]) {
            if (takes.includes(kind)) continue
            const args = parameters.map(({ good }) => good())
            args[at] = values[kind]
            const error = await outcome(() => call(...args))
            const isRefusal = error instanceof SluiceError && error.fault === 'local'
            assert.ok(isRefusal, `${kind}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`)
            assert.ok(
              error instanceof UsageError ||
                /VALUE|SCHEMA|MAX_FRAME_SIZE|SCRIPT|CAPTURE|VAR_NAME/.test(error.code),
              error.code,
            )
          }
        })
      }
    }
  })
}

test('nothing was begun by what was refused', () => {
  const { exchanges, connections, connecting, servers } = engine.stats
  assert.deepEqual({ exchanges, connections, connecting }, { exchanges: 0, connections: 0, connecting: 0 })
  assert.equal(servers[0]?.connects, 0)
  assert.deepEqual(agent.addresses, [])
})

for (const [module, exported] of Object.entries(modules)) {
  test(`the table has every function of ${module}`, () => {
    const known = [...Object.keys(table[module] ?? {}), ...(elsewhere[module] ?? [])]
    const functions = Object.entries(exported).filter(([, each]) => typeof each === 'function')
    assert.deepEqual(
      functions.map(([name]) => name).filter((name) => !known.includes(name)),
      [],
    )
  })
}
