/**
 * Drives an agent's handlers without a socket: real frames over a connection in memory, so that what is tested is what
 * HAProxy meets, decoding, deadlines, fallbacks and frame sizes included.
 */
import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import { Writer } from '../bytes/writer.ts'
import {
  hasMethods,
  integer,
  requireArgument,
  resolveOptions,
  string,
  type OptionSpec,
  type Specs,
} from '../base/options.ts'
import type { Action } from '../spop/ack.ts'
import { StatusCode, statusText } from '../spop/errors.ts'
import { encodeFragment } from '../spop/fragments.ts'
import { FrameType, type Id } from '../spop/frame-head.ts'
import { encodeMessages, messagesRule, type MessageInput } from '../spop/notify.ts'
import type { Value } from '../spop/typed-data.ts'
import { isMessages, isPairs, timeoutOption } from './arguments.ts'
import { TestingError } from './errors.ts'
import { haproxyDisconnectBytes, haproxyHelloBytes } from './haproxy-bytes.ts'
import { isAcceptor, type Acceptor } from '../net/memory-socket.ts'
import { connectInMemory } from './target.ts'
import { formatEvent, Wire, type ReceivedFrame, type WireEvent, type WireLogEntry } from './wire.ts'

/** Sizes are bytes, times milliseconds. */
export interface DriverOptions {
  /** What HELLO announces: lower it to test an agent whose answers must be small. @default 16380 */
  readonly maxFrameSize?: number | undefined
  /** @default 'test-engine' */
  readonly engineId?: string | undefined
  /** How long an answer may take. @default 5000: above the agent's default deadline */
  readonly timeout?: number | undefined
}

/** How to send a NOTIFY. */
export interface DriverSettings {
  /** Cuts the payload into fragments of this many bytes; 0 sends it whole. @default 0 */
  readonly fragmentSize?: number | undefined
  /** Cuts the bytes into writes of this size, each in a turn of its own; 0 is one write. @default 0 */
  readonly writeSize?: number | undefined
  /** Ids instead of the driver's own. */
  readonly ids?: readonly [streamId: Id, frameId: Id] | undefined
  /** As {@link DriverOptions.timeout}. */
  readonly timeout?: number | undefined
}

/** Arguments of a message: in order as pairs, or as an object when no name repeats and none is empty. */
export type DriverArguments =
  | Readonly<Record<string, Value>>
  | readonly (readonly [name: string, value: Value])[]

const driverSpecs: Specs<DriverOptions> = {
  // Sizes that an agent must refuse are for testing, too.
  maxFrameSize: integer(16_380, { max: 0xffff_ffff }),
  engineId: string('test-engine'),
  timeout: timeoutOption(5000),
}

function isId(given: unknown): boolean {
  if (typeof given === 'bigint') return given >= 0n && given < 2n ** 64n
  return Number.isSafeInteger(given) && Number(given) >= 0
}

const ids: OptionSpec<DriverSettings['ids']> = {
  fallback: undefined,
  check: (given) =>
    Array.isArray(given) && given.length === 2 && given.every(isId)
      ? undefined
      : 'must be two whole numbers from 0 to 2^64-1',
}

const settingsSpecs = (timeout: number): Specs<DriverSettings> => ({
  fragmentSize: integer(0),
  writeSize: integer(0),
  ids,
  timeout: timeoutOption(timeout),
})

interface Pending {
  readonly resolve: (actions: Action[]) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Taken once, so that a test's mocked timers do not stop the waiting. */
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis

/** See {@link createDriver}. */
export class Driver {
  readonly #wire: Wire
  readonly #timeout: number
  readonly #pending = new Map<string, Pending>()
  readonly #ready: Promise<void>
  #onHello: ((error?: Error) => void) | undefined
  #stream = 1
  #ended: TestingError | undefined
  #onEnd: (() => void) | undefined

  constructor(stream: Duplex, options: DriverOptions = {}) {
    const { timeout, maxFrameSize, engineId } = resolveOptions(driverSpecs, options, 'createDriver')
    const isStream = hasMethods(stream, 'on', 'write', 'destroy')
    requireArgument(isStream, 'Driver: the stream', 'must be a Duplex', stream)
    this.#timeout = timeout
    this.#wire = new Wire(stream, (event) => this.#onEvent(event))
    const late = () =>
      this.#finish(new TestingError('ERR_TESTING_TIMEOUT', `AGENT-HELLO, within ${timeout} ms`))
    const timer = startTimer(late, timeout)
    this.#ready = new Promise((resolve, reject) => {
      this.#onHello = (error) => {
        stopTimer(timer)
        if (error === undefined) resolve()
        else reject(error)
      }
    })
    // Who sends something is told; without anybody waiting it is no unhandled rejection.
    this.#ready.catch(() => {})
    this.#wire.send(haproxyHelloBytes({ capabilities: 'pipelining', engineId, maxFrameSize }))
  }

  /** The conversation so far. */
  get log(): readonly WireLogEntry[] {
    return this.#wire.log
  }

  /** Sends one message and resolves to the actions of the answer. */
  notify(name: string, args?: DriverArguments, settings?: DriverSettings): Promise<Action[]>
  /** Sends several messages in one NOTIFY. */
  notify(messages: readonly MessageInput[], settings?: DriverSettings): Promise<Action[]>
  /**
   * @throws TestingError `ERR_TESTING_TIMEOUT`, `ERR_TESTING_DISCONNECTED` with the status, `ERR_TESTING_CLOSED`,
   * `ERR_TESTING_UNEXPECTED` for a broken answer; SpopError `ERR_SPOP_VALUE` for a value that cannot be sent;
   * UsageError `ERR_SLUICE_OPTION`.
   */
  async notify(
    what: string | readonly MessageInput[],
    second: DriverArguments | DriverSettings = {},
    third: DriverSettings = {},
  ): Promise<Action[]> {
    const isName = typeof what === 'string'
    requireArgument(isName || isMessages(what), 'notify: what to send', `${messagesRule}, or a name`, what)
    const messages = isName ? [{ name: what, args: pairsOf(second as DriverArguments) }] : what
    const writer = new Writer()
    encodeMessages(writer, messages)
    return this.notifyPayload(writer.view(), isName ? third : (second as DriverSettings))
  }

  /** Sends a NOTIFY with a payload of raw bytes: wrong ones, for example. Throws as {@link Driver.notify}. */
  async notifyPayload(payload: Buffer, settings: DriverSettings = {}): Promise<Action[]> {
    requireArgument(Buffer.isBuffer(payload), 'notifyPayload: the payload', 'must be a Buffer', payload)
    const { fragmentSize, writeSize, timeout, ...rest } = resolveOptions(
      settingsSpecs(this.#timeout),
      settings,
      'notify',
    )
    await this.#ready
    const [streamId, frameId] = rest.ids ?? [this.#stream++, 1]
    const writer = new Writer()
    const step = fragmentSize === 0 ? Math.max(1, payload.length) : fragmentSize
    for (let at = 0; at === 0 || at < payload.length; at += step) {
      const type = at === 0 ? FrameType.Notify : FrameType.Unset
      const head = { streamId, frameId, fin: at + step >= payload.length, abort: false }
      encodeFragment(writer, type, head, payload.subarray(at, at + step))
    }
    const answer = this.#wait(`${streamId}/${frameId}`, timeout)
    // Sending in pieces takes turns of its own, in which the answer may fail already.
    answer.catch(() => {})
    await this.sendRaw(writer.view(), writeSize)
    return answer
  }

  /** Sends bytes as they are, in writes of `writeSize` bytes each when it is not 0. */
  async sendRaw(bytes: Buffer, writeSize = 0): Promise<void> {
    requireArgument(Buffer.isBuffer(bytes), 'sendRaw: the bytes', 'must be a Buffer', bytes)
    const isSize = Number.isSafeInteger(writeSize) && writeSize >= 0
    requireArgument(isSize, 'sendRaw: writeSize', 'must be a whole number', writeSize)
    await this.#ready
    const cuts: number[] = []
    if (writeSize > 0) for (let at = writeSize; at < bytes.length; at += writeSize) cuts.push(at)
    await this.#wire.sendPieces(bytes, cuts, 0)
  }

  /**
   * Ends the connection as HAProxy up to 3.0 does, with DISCONNECT; resolves when the agent has closed it.
   * @throws TestingError `ERR_TESTING_TIMEOUT` when it does not; the connection is gone all the same.
   */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return this.#wire.destroy()
    const ended = new Promise<boolean>((resolve) => {
      const timer = startTimer(() => resolve(false), this.#timeout)
      this.#onEnd = () => {
        stopTimer(timer)
        resolve(true)
      }
    })
    this.#wire.send(haproxyDisconnectBytes(StatusCode.Normal, statusText(StatusCode.Normal)))
    const isClosed = await ended
    this.#wire.destroy()
    if (isClosed) {
      // The agent's DISCONNECT was the answer to ours.
      this.#ended = new TestingError('ERR_TESTING_CLOSED', 'the test has closed it')
      return
    }
    const error = new TestingError(
      'ERR_TESTING_TIMEOUT',
      `the end of the connection, within ${this.#timeout} ms`,
    )
    this.#finish(error)
    throw error
  }

  /** Ends the connection with a reset, as HAProxy since 3.1 does. */
  reset(): void {
    this.#wire.reset()
    this.#finish(new TestingError('ERR_TESTING_CLOSED', 'the test has reset it'))
  }

  /** The same as {@link Driver.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #wait(key: string, timeout: number): Promise<Action[]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const timer = startTimer(() => {
        this.#pending.delete(key)
        reject(new TestingError('ERR_TESTING_TIMEOUT', `the ACK of ${key}, within ${timeout} ms`))
      }, timeout)
      this.#pending.set(key, { resolve, reject, timer })
    })
  }

  #onEvent(event: WireEvent): void {
    if (event.kind === 'frame') return this.#onFrame(event.frame)
    const code = event.kind === 'broken' ? 'ERR_TESTING_UNEXPECTED' : 'ERR_TESTING_CLOSED'
    this.#finish(new TestingError(code, formatEvent(event)))
  }

  #onFrame(received: ReceivedFrame): void {
    const { frame } = received
    if (frame?.type === 'agent-hello') return this.#onHello?.()
    if (frame?.type === 'agent-disconnect') {
      const said = `${frame.statusCode} "${frame.message}"`
      this.#ended ??= new TestingError('ERR_TESTING_DISCONNECTED', said, { status: frame.statusCode })
      this.#failAll(this.#ended)
      return
    }
    if (received.type === FrameType.Ack) this.#onAck(received)
  }

  #onAck(received: ReceivedFrame): void {
    const key = `${received.streamId}/${received.frameId}`
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    this.#pending.delete(key)
    stopTimer(pending.timer)
    if (received.frame?.type === 'ack') pending.resolve([...received.frame.actions])
    else
      pending.reject(
        new TestingError('ERR_TESTING_UNEXPECTED', received.error?.message ?? 'a broken ACK', {
          cause: received.error,
        }),
      )
  }

  #finish(error: TestingError): void {
    this.#ended ??= error
    this.#failAll(this.#ended)
    this.#onEnd?.()
  }

  #failAll(error: TestingError): void {
    this.#onHello?.(error)
    for (const { timer, reject } of this.#pending.values()) {
      stopTimer(timer)
      reject(error)
    }
    this.#pending.clear()
  }
}

function pairsOf(args: DriverArguments): readonly (readonly [string, Value])[] {
  // A Map, a Buffer or a string would look like an object without any arguments, or with numbered ones.
  const isRecord = typeof args === 'object' && args !== null && !(Symbol.iterator in args)
  const rule = 'must be an object, or an array of pairs of name and value'
  requireArgument(isRecord || isPairs(args), 'notify: the arguments', rule, args)
  return isPairs(args) ? args : Object.entries(args)
}

/**
 * Connects to an agent in memory and shakes hands; then its handlers can be called with {@link Driver.notify}.
 *
 * @throws UsageError `ERR_SLUICE_OPTION`.
 * @example
 * ```ts
 * import { createAgent, IpAddress } from 'sluice/agent'
 * import { createDriver, variablesOf } from 'sluice/testing'
 *
 * const driver = createDriver(agent)
 * const actions = await driver.notify('get-ip-reputation', { ip: IpAddress.parse('192.0.2.1') })
 * assert.equal(variablesOf(actions).get('sess.ip_score'), 10)
 * await driver.close()
 * ```
 */
export function createDriver(agent: Acceptor, options: DriverOptions = {}): Driver {
  const rule = 'must have the method accept, as agents have'
  requireArgument(isAcceptor(agent), 'createDriver: the agent', rule, agent)
  // Before there is a connection that nobody would close.
  resolveOptions(driverSpecs, options, 'createDriver')
  return new Driver(connectInMemory(agent), options)
}
