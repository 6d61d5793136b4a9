/** One connection of SPOP: each frame with what came before it, which is where most faults show. */
import { Buffer } from 'node:buffer'
import { errorMessage } from '../base/errors.ts'
import { FrameType } from '../spop/frame-head.ts'
import type { ConversationHost, InspectSettings } from './conversation.ts'
import type { Finding, FrameEntry, Side } from './entry.ts'
import type { CutFrame } from './frame-cutter.ts'
import { FramedConversation } from './framed-conversation.ts'
import { PendingTable } from './pending.ts'
import { find } from './rules.ts'
import { SpopFragments } from './spop-fragments.ts'
import {
  idsOf,
  isFragment,
  isStreamFrame,
  readMessages,
  readSpopFrame,
  type SpopFrame,
} from './spop-frame.ts'
import { SpopHandshake } from './spop-handshake.ts'

/** What the history of a frame adds to it. */
interface Judgement {
  readonly findings: Finding[]
  after?: number | undefined
  details?: FrameEntry['details']
  messages?: readonly string[]
  continues?: boolean
}

/** A connection between HAProxy and an agent. */
export class SpopConversation extends FramedConversation {
  readonly #handshake = new SpopHandshake()
  readonly #fragments = new SpopFragments()
  #pending = new PendingTable()
  /** Who has sent DISCONNECT. */
  readonly #left = { client: false, server: false }
  #ended = false

  constructor(connection: number, midway: boolean, settings: InspectSettings, host: ConversationHost) {
    super('spop', connection, midway, settings, host)
  }

  protected notFrames(what: string): Finding {
    return find('frame.not-spop', what)
  }

  protected truncated(held: number): Finding {
    return find('frame.truncated', held)
  }

  protected onEnd(from: Side): readonly Finding[] {
    const findings = this.#judgeEnd(from)
    this.#release(undefined)
    this.#pending.forget(this.connection)
    return findings
  }

  expire(time: number): void {
    const { processingTimeout } = this.settings
    if (processingTimeout === undefined) return
    for (const question of this.#pending.ofConnection(this.connection)) {
      const due = question.time + processingTimeout
      if (question.overdue || due > time) continue
      question.overdue = true
      const findings = [find('notify.no-ack', question.ids, processingTimeout, inBrackets(question.messages))]
      this.host.emit({ kind: 'silence', ...this.base(due, findings), ids: question.ids })
    }
  }

  protected onFrame(from: Side, { bytes, firstPiece }: CutFrame, time: number): void {
    const shown = Buffer.from(bytes)
    const frame = readSpopFrame(shown, from, this.settings)
    const size = bytes.length - 4
    const judged = this.#judge(from, frame, time, bytes.length, firstPiece, shown)
    const limit = this.#handshake.maxFrameSize
    const oversize = limit !== undefined && size > limit ? [find('frame.oversize', size, limit, from)] : []
    this.host.emit({
      kind: 'frame',
      ...this.base(time, [...frame.findings, ...oversize, ...judged.findings]),
      from,
      protocol: 'spop',
      name: frame.name,
      ids: isStreamFrame(frame) ? idsOf(frame.head) : undefined,
      size,
      flags: frame.flags,
      details: judged.details ?? frame.details,
      after: judged.after,
      messages: judged.messages ?? frame.messages,
      continues: judged.continues === true,
      bytes,
    })
    if (!isFragment(frame)) this.host.keep(this.connection, from, shown, time)
  }

  #judge(
    from: Side,
    frame: SpopFrame,
    time: number,
    size: number,
    firstPiece: number,
    shown: Buffer,
  ): Judgement {
    switch (frame.head.type) {
      case FrameType.HaproxyHello:
      case FrameType.AgentHello:
        return this.#onHello(frame, size, firstPiece)
      case FrameType.Notify:
        return this.#onNotify(frame, time, shown)
      case FrameType.Unset:
        return this.#onFragment(frame, time, shown)
      case FrameType.Ack:
        return this.#onAck(frame, time)
      case FrameType.HaproxyDisconnect:
      case FrameType.AgentDisconnect:
        return this.#onDisconnect(from, frame)
      default:
        return { findings: [] }
    }
  }

  #onHello(frame: SpopFrame, size: number, firstPiece: number): Judgement {
    const findings = this.#handshake.take(frame, size, firstPiece)
    const { agreement, engineId } = this.#handshake
    // With async, the answer may come on any connection of the engine.
    if (agreement?.async === true && engineId !== undefined) this.#pending = this.host.pendingOf(engineId)
    return { findings }
  }

  #beforeHello(name: string): Finding[] {
    return this.#handshake.agreement === undefined && !this.midway ? [find('frame.before-hello', name)] : []
  }

  #onNotify(frame: SpopFrame, time: number, shown: Buffer): Judgement {
    const ids = idsOf(frame.head)
    const whole = !isFragment(frame)
    const findings = this.#beforeHello('NOTIFY')
    const { streamId } = frame.head
    const asked = { ids, connection: this.connection, streamId, time, complete: whole }
    const before = this.#pending.ask(asked)
    if (before !== undefined) findings.push(find('notify.reused-pair', ids, time - before.time))
    if (!whole) {
      if (!this.#handshake.fragmentation) findings.push(find('fragment.not-agreed'))
      const judged = this.#onFragment(frame, time, shown)
      return { ...judged, findings: [...findings, ...judged.findings] }
    }
    findings.push(...this.#fragments.checkInterlaced(frame.head))
    this.#setMessages(ids, frame.messages)
    const readable = !frame.findings.some(({ rule }) => rule === 'frame.undecodable')
    if (readable && frame.messages.length === 0) findings.push(find('notify.no-message'))
    return { findings }
  }

  #setMessages(ids: string, messages: readonly string[]): void {
    const question = this.#pending.waiting.get(ids)
    if (question !== undefined) question.messages = messages
  }

  #onFragment(frame: SpopFrame, time: number, shown: Buffer): Judgement {
    const held = { bytes: shown, payload: frame.payload, time }
    const { findings, joined, aborted } = this.#fragments.take(frame, held)
    const ids = idsOf(frame.head)
    if (aborted) {
      this.#pending.waiting.delete(ids)
      this.#release(undefined)
      const told = findings.length > 0 ? findings : [find('fragment.aborted', ids)]
      return { findings: [...told] }
    }
    if (joined === undefined) return { findings: [...findings], continues: true }
    const question = this.#pending.waiting.get(ids)
    if (question !== undefined) Object.assign(question, { time, complete: true })
    try {
      const { details, messages } = readMessages(joined, this.settings)
      this.#setMessages(ids, messages)
      this.#release(joined)
      return { findings: [...findings], details, messages }
    } catch (error) {
      this.#release(undefined)
      return { findings: [...findings, find('frame.undecodable', errorMessage(error))] }
    }
  }

  #release(masked: Buffer | undefined): void {
    this.release(this.#fragments.release(masked, this.settings.showSecrets))
  }

  #onAck(frame: SpopFrame, time: number): Judgement {
    const ids = idsOf(frame.head)
    const findings = this.#beforeHello('ACK')
    const question = this.#pending.answer(ids)
    if (question === undefined) {
      return { findings: this.midway ? findings : [...findings, this.#unasked(frame, ids)] }
    }
    const after = time - question.time
    const { processingTimeout } = this.settings
    if (processingTimeout !== undefined && after > processingTimeout) {
      findings.push(find('ack.late', after - processingTimeout))
    }
    if (question.again) findings.push(find('ack.ambiguous', ids))
    if (!question.complete) {
      if (!frame.head.abort) findings.push(find('ack.early'))
      this.#fragments.giveUp()
    }
    return { findings, after }
  }

  #unasked(frame: SpopFrame, ids: string): Finding {
    if (this.#pending.wasAnswered(ids)) return find('ack.again', ids)
    const wanted = this.#pending.ofStream(frame.head.streamId)
    return wanted === undefined ? find('ack.unasked', ids) : find('ack.frame-id', ids, wanted.ids)
  }

  #onDisconnect(from: Side, frame: SpopFrame): Judgement {
    this.#left[from] = true
    const findings: Finding[] = []
    const status = frame.disconnect?.statusCode ?? 0
    const waiting = this.#pending.ofConnection(this.connection).length
    // Status 2 is how HAProxy up to 3.0 ends an idle connection.
    const isIdle = from === 'client' && status === 2 && waiting === 0
    const who = from === 'client' ? 'HAProxy' : 'the agent'
    if (status !== 0 && !isIdle) findings.push(find('disconnect.status', who, status))
    if (from === 'client') return { findings }
    if (waiting > 0) findings.push(find('disconnect.pending', waiting, status))
    if (this.#beforeHello('').length > 0 && !this.#left.client) findings.push(find('hello.disconnected'))
    return { findings }
  }

  #judgeEnd(from: Side): Finding[] {
    if (this.#ended) return []
    this.#ended = true
    if (this.#handshake.isHealthCheck) return [find('end.health-check')]
    const waiting = this.#pending
      .ofConnection(this.connection)
      .map(({ ids, messages }) => `${ids}${inBrackets(messages)}`)
    if (this.#left.server || this.#left.client) return []
    if (waiting.length > 0) {
      return [find(from === 'server' ? 'end.pending' : 'end.given-up', waiting.join(', '))]
    }
    return from === 'server' && this.#handshake.agreement !== undefined ? [find('end.no-disconnect')] : []
  }
}

function inBrackets(messages: readonly string[]): string {
  return messages.length === 0 ? '' : ` (${messages.join(', ')})`
}
