import type { Duplex } from 'node:stream'
import type { SluiceError } from '../base/errors.ts'
import { encodeDisconnect, type DisconnectFrame } from '../spop/disconnect.ts'
import { SpopError, StatusCode, statusText } from '../spop/errors.ts'
import { stepAgent, type AgentEvent, type AgentState } from '../spop/state.ts'
import { Closing } from './closing.ts'
import { describeFault, statusOf } from './connection-faults.ts'
import type { ConnectionHost } from './connection-host.ts'
import {
  tellClosed,
  tellCut,
  tellDisconnect,
  tellFailed,
  tellGivenUp,
  tellNotReady,
} from './connection-log.ts'
import type { ConnectionInfo } from './context.ts'
import { Drain } from './drain.ts'
import { endOf, type End, type EndEvent } from './ends.ts'
import { AgentError } from './errors.ts'
import type { HeldExchanges } from './held-exchanges.ts'
import type { Intake } from './intake.ts'
import type { Outbox } from './outbox.ts'
import { overdue } from './overdue.ts'
import type { Payloads } from './payloads.ts'

/** The connection, as its life sees it. */
export interface Living extends ConnectionInfo {
  /** When bytes came last, by the monotonic clock. */
  readonly lastActivity: number
  /** What the peer seems to speak instead of SPOP. */
  readonly foreign: string | undefined
  /** What is still worked on goes to a connection of the same engine, where that was agreed and there is one. */
  handOver(): void
  /** A frame that is not an ACK stands in the outgoing buffer, from `start`. */
  sent(start: number): void
  /** The socket is closed. */
  gone(): void
}

/** What belongs to the connection. */
export interface LifeParts {
  readonly socket: Duplex
  readonly host: Omit<ConnectionHost<never>, 'findSibling' | 'onClose'>
  readonly outbox: Outbox
  readonly exchanges: HeldExchanges
  readonly intake: Intake
  readonly payloads: Payloads
}

/** What a DISCONNECT says. */
type Word = Pick<DisconnectFrame, 'statusCode' | 'message'>

const normal: Word = { statusCode: StatusCode.Normal, message: statusText(StatusCode.Normal) }
const notReady: Word = { statusCode: StatusCode.ResourceAllocation, message: 'not ready' }

/**
 * The life of a connection: its state, which is that of spop/state.ts, and its end. Each method down from `refuse` is a way
 * to end; what it does in which state is the table of ends.ts.
 */
export class Life {
  readonly #connection: Living
  readonly #parts: LifeParts
  readonly #closing: Closing
  #state: AgentState = 'idle'
  #drain: Drain | undefined
  /** It was cut in the middle of a turn. */
  #doomed = false

  constructor(connection: Living, parts: LifeParts) {
    this.#connection = connection
    this.#parts = parts
    this.#closing = new Closing(parts.socket, parts.host.options.closeDelay)
  }

  get state(): AgentState {
    return this.#state
  }

  /** Whether what comes still matters. */
  get takesFrames(): boolean {
    return this.#state !== 'leaving' && this.#state !== 'closed' && !this.#doomed
  }

  /** Whether an ACK can leave. */
  get answers(): boolean {
    return (this.#state === 'open' || this.#state === 'draining') && !this.#parts.socket.destroyed
  }

  /**
   * Moves on in the state table.
   * @throws SpopError `ERR_SPOP_INVALID_FRAME` for an event that is not in it, which is the peer's violation; `what` names it.
   */
  step(event: AgentEvent | undefined, what: string): void {
    const next = event === undefined ? undefined : stepAgent(this.#state, event)
    if (next === undefined) {
      throw new SpopError('ERR_SPOP_INVALID_FRAME', `${what} on a connection in state '${this.#state}'`)
    }
    this.#state = next
  }

  /** Does what ends.ts says: `word` is what DISCONNECT says, `error` why those who wait are answered by their fallback. */
  #end(event: EndEvent, word: Word = normal, error?: SluiceError): void {
    const end = endOf(this.#state, event)
    if (end === undefined) return
    this.#state = end.next
    if (end.held === 'answer') this.#answerAll(error)
    else if (end.held === 'handOver') this.#abandonAll()
    if (end.word) this.#say(word)
    this.#endSocket(end.socket)
  }

  #answerAll(error: unknown): void {
    const { exchanges, host } = this.#parts
    for (let exchange = exchanges.first, next; exchange !== undefined; exchange = next) {
      next = exchange.next
      host.dispatcher.answerNow(exchange, error)
    }
  }

  #abandonAll(): void {
    const { exchanges, host } = this.#parts
    const { id, peer } = this.#connection
    this.#connection.handOver()
    if (exchanges.size === 0) return
    const reason = new AgentError('ERR_AGENT_CLOSED', `connection ${id} from ${peer}`)
    for (const exchange of exchanges.takeAll()) host.dispatcher.abandon(exchange, reason)
  }

  #say({ statusCode, message }: Word): void {
    const { writer } = this.#parts.outbox
    const start = writer.at
    encodeDisconnect(writer, { type: 'agent-disconnect', statusCode, message })
    this.#connection.sent(start)
  }

  #endSocket(how: End['socket']): void {
    const { socket, outbox } = this.#parts
    if (how === 'keep') return
    if (how === 'cut') return void socket.destroy()
    if (how === 'gone') {
      this.#closing.clear()
      outbox.drop()
      return this.#connection.gone()
    }
    outbox.finish()
    if (how === 'endSoon') this.#closing.endSoon()
    else if (how === 'end') this.#closing.end()
    else socket.destroy()
  }

  /** A health check is to fail. */
  refuse(): void {
    tellNotReady(this.#parts.host, this.#connection)
    this.#end('fault', notReady)
  }

  /** A health check is answered. */
  checked(): void {
    this.#end('checked')
  }

  /** What was thrown while a frame was taken, or the peer is too late. */
  fault(thrown: unknown): void {
    if (endOf(this.#state, 'fault') === undefined) return
    const error = describeFault(thrown)
    tellGivenUp(this.#parts.host, this.#connection, error, this.#connection.foreign)
    this.#end('fault', { statusCode: statusOf(error), message: error.message }, error)
  }

  /** HAPROXY-DISCONNECT. @throws SpopError `ERR_SPOP_INVALID_FRAME` where it is not to come. */
  goodbye(frame: DisconnectFrame): void {
    if (endOf(this.#state, 'goodbye') === undefined) this.step(undefined, 'HAPROXY-DISCONNECT')
    tellDisconnect(this.#parts.host, this.#connection, frame)
    this.#end('goodbye')
  }

  /** The peer sends no more; what it asked for is still answered. */
  fin(): void {
    const { exchanges } = this.#parts
    if (this.takesFrames && this.#midway()) {
      const detail = 'the peer closed inside a frame, or between fragments'
      return this.fault(new SpopError('ERR_SPOP_TRUNCATED', detail))
    }
    this.#connection.handOver()
    this.#end(exchanges.size === 0 ? 'fin' : 'finHeld')
  }

  /** Whether the peer has begun something that it has not finished. */
  #midway(): boolean {
    return this.#parts.payloads.pending || this.#parts.intake.midFrame
  }

  /** Stops taking part as soon as everything is answered: ACKs first, then DISCONNECT 0. */
  drain(): void {
    this.#end('drain')
    if (this.#state !== 'draining') return
    this.#drain ??= new Drain(() => {
      this.leaveIfDrained()
      return this.#state === 'draining'
    })
  }

  /** Something was answered, or taken: it may have been the last. */
  leaveIfDrained(): void {
    if (this.#state !== 'draining') return
    const { exchanges, intake, outbox } = this.#parts
    if (outbox.inTurn || intake.paused || exchanges.size > 0 || this.#midway()) return
    if (intake.ended || this.#drain?.isOver(this.#connection.lastActivity) === true) this.#end('drained')
  }

  /** Ends it if the peer is too late with something; to be called now and then. */
  checkTimeouts(now: number): void {
    const { exchanges, host, intake, outbox, socket } = this.#parts
    const due = overdue(
      {
        state: this.#state,
        stalled: outbox.stalledFor(now),
        over: outbox.over,
        owing: intake.owing(now),
        silent: now - this.#connection.lastActivity,
        held: exchanges.size,
      },
      host.options,
    )
    if (due === undefined || socket.destroyed) return
    if (due.event === 'fault') return this.fault(due.error)
    if (due.event === 'stalled') {
      tellCut(host, this.#connection, due.error)
      return this.#end('stalled')
    }
    host.metrics.countError(due.error.code)
    this.drain()
  }

  /** The socket has failed; that it is closed comes behind. */
  failed(error: NodeJS.ErrnoException): void {
    const { host } = this.#parts
    // Since 3.1 HAProxy leaves by a reset, and always does so after a health check.
    const reset = error.code === 'ECONNRESET' || error.code === 'EPIPE'
    if (!reset) tellFailed(host, this.#connection, error)
    else if (this.#state !== 'checked') host.metrics.connectionsReset++
  }

  /** The socket is closed. */
  lost(): void {
    tellClosed(this.#parts.host, this.#connection)
    this.#end('lost')
  }

  /** Cut by a handler in the middle of a turn, it goes at its end: an answer is half made. Answers whether it went. */
  endTurn(): boolean {
    if (this.#doomed) this.#end('destroyed')
    else this.leaveIfDrained()
    return this.#doomed
  }

  /** Cuts the connection behind what is answered. */
  destroy(): void {
    if (this.#parts.outbox.inTurn) this.#doomed = true
    else this.#end('destroyed')
  }
}
