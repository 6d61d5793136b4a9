import { Readable } from 'node:stream'
import type { Lane, Timed } from '../../base/deadlines.ts'
import { placeOf } from '../../base/errors.ts'
import { requireArgument } from '../../base/options.ts'
import { isPromise } from '../../base/promise.ts'
import { checkBytes, checkInteger, checkObject, checkText, readArgument } from '../arguments.ts'
import { isFcgiBody } from '../body.ts'
import { ProtocolStatus } from '../codec/end-request.ts'
import { httpRequestOf } from '../codec/http-request.ts'
import type { CgiRequest } from '../codec/http-request.ts'
import { ParamList } from '../codec/param-list.ts'
import { ParamsReader } from '../codec/params-reader.ts'
import { formatReplyHead } from '../codec/reply-head.ts'
import type { ReplyHeaders } from '../codec/reply-head.ts'
import { stepResponder } from '../codec/state.ts'
import type { ResponderEvent, ResponderState } from '../codec/state.ts'
import { FcgiError } from '../errors.ts'
import type { FcgiReply, FcgiRole, ServingContext } from './context.ts'
import type { ResolvedResponderOptions } from './options.ts'
import { StdinStream } from './stdin-stream.ts'

/** What a handler has answered, before any of it is sent. @throws UsageError `ERR_SLUICE_OPTION`. */
function takeReply(given: FcgiReply | undefined | void): FcgiReply | undefined {
  if (given === undefined) return undefined
  return readArgument('the reply', () => {
    checkObject('the reply', given)
    const { status = 200, headers = [], body, appStatus = 0 } = given
    const isBody = body === undefined || isFcgiBody(body)
    requireArgument(isBody, 'the reply: body', 'must be a string, bytes or an async iterable', body)
    checkInteger('the reply: appStatus', appStatus, 0xffff_ffff, -0x8000_0000)
    return { status, headers, body, appStatus }
  })
}

const noParams = new ParamList()

/** What a request needs from its connection. */
export interface RequestLink {
  readonly options: ResolvedResponderOptions
  /** Text is sent as UTF-8, `head`, which stands before it, with one byte per character. */
  sendStdout(id: number, content: Uint8Array | string, head: string): boolean
  sendStderr(id: number, content: string): void
  /** The empty STDOUT and END_REQUEST; the connection forgets the request. */
  sendEnd(request: ResponderRequest, appStatus: number, protocolStatus: ProtocolStatus): void
  /** Stops reading the connection until `resume`: the protocol has no other way to slow a gateway down. */
  pause(request: ResponderRequest): void
  resume(request: ResponderRequest): void
  /** Gives it so long, instead of what it had before; 0 is for ever. */
  await(request: ResponderRequest, timeout: number): void
  /** Its parameters were not complete in time. */
  paramsLate(): void
  drained(): Promise<void>
  /** Ends the connection of a request that is alone on it, and tells the request; false when it is not alone. */
  breakOff(request: ResponderRequest): boolean
  /** The handler is done, which may be long after the end. */
  settled(request: ResponderRequest): void
}

/** One request at the responder: what arrives of it, and what its handler says. */
export class ResponderRequest implements ServingContext, Timed<ResponderRequest> {
  deadline = 0
  lane: Lane<ResponderRequest> | undefined
  earlier: ResponderRequest | undefined
  later: ResponderRequest | undefined
  readonly id: number
  readonly role: FcgiRole
  onAborted: (() => void) | undefined

  #state: ResponderState = 'params'
  #params = noParams
  /** Made for a handler that asks for it. */
  #map: ReadonlyMap<string, string> | undefined
  #http: CgiRequest | undefined
  #stdin: StdinStream | undefined
  /** Whether the handler has asked for STDIN. */
  #taken = false
  /** DATA, of a filter. */
  #data: StdinStream | undefined
  #dataTaken = false
  /** What the handler answered, while it is being sent. */
  #body: Readable | undefined
  #abort: AbortController | undefined
  #aborted: FcgiError | undefined
  /** The head, until there is something that it can leave with. */
  #head: string | undefined
  #begun = false
  /** Whether the handler was called, which then settles the request. */
  #served = false
  readonly #decoder: ParamsReader
  readonly #link: RequestLink

  constructor(id: number, role: FcgiRole, link: RequestLink) {
    this.id = id
    this.role = role
    this.#link = link
    this.#decoder = new ParamsReader(link.options, link.options.encoding)
  }

  get over(): boolean {
    return this.#state === 'ended'
  }

  get params(): ReadonlyMap<string, string> {
    return (this.#map ??= new Map(this.#params))
  }

  get http(): CgiRequest {
    return (this.#http ??= httpRequestOf(this.#params))
  }

  get stdin(): Readable {
    this.#taken = true
    const stream = this.#stream()
    this.#awaitStdin()
    return stream
  }

  get data(): Readable {
    this.#dataTaken = true
    const stream = this.#dataStream()
    this.#awaitStdin()
    return stream
  }

  #dataStream(): StdinStream {
    if (this.#data === undefined) {
      this.#data = new StdinStream(() => this.#asked())
      const isOver = this.role !== 'filter' || this.#state === 'filtering' || this.over
      if (this.#aborted !== undefined) this.#data.destroy(this.#aborted)
      else if (isOver) this.#data.finish()
    }
    return this.#data
  }

  #stream(): StdinStream {
    if (this.#stdin === undefined) {
      this.#stdin = new StdinStream(() => this.#asked())
      if (this.#aborted !== undefined) this.#stdin.destroy(this.#aborted)
      else if (this.#state !== 'params' && this.#state !== 'receiving') this.#stdin.finish()
    }
    return this.#stdin
  }

  #asked(): void {
    if (this.#held() < this.#link.options.stdinBufferSize) this.#link.resume(this)
    this.#awaitStdin()
  }

  /** Time runs while the gateway is the one that is waited for. */
  #awaitStdin(): void {
    if (this.#state === 'params' || this.over) return
    const waitsForStdin = this.#taken && this.#state === 'receiving' && this.#stdin?.wanting === true
    const waitsForData = this.#dataTaken && this.#state !== 'filtering' && this.#data?.wanting === true
    this.#link.await(this, waitsForStdin || waitsForData ? this.#link.options.stdinTimeout : 0)
  }

  /** Its time is up. */
  expire(): void {
    if (this.#state === 'params') return this.#link.paramsLate()
    const { stdinTimeout } = this.#link.options
    const error = new FcgiError('ERR_FCGI_STDIN_TIMEOUT', `${stdinTimeout} ms`)
    if (!this.#begun) this.writeHead(error.status)
    this.#flushHead()
    this.#step('sendEnd')
    this.#link.sendEnd(this, 1, ProtocolStatus.RequestComplete)
    this.#giveUp(error)
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#aborted !== undefined) this.#abort.abort(this.#aborted)
    return this.#abort.signal
  }

  // From the connection.

  /** Content of a PARAMS record; empty at the end of the stream, when the handler is called. */
  recvParams(content: Buffer): void {
    const complete = content.length === 0
    if (!this.#step(complete ? 'recvParamsEnd' : 'recvParams')) {
      throw new FcgiError('ERR_FCGI_PROTOCOL', 'PARAMS after the end of PARAMS')
    }
    try {
      if (!complete) return this.#decoder.push(content)
      this.#params = this.#decoder.finish()
    } catch (error) {
      if (!(error instanceof FcgiError) || error.code === 'ERR_FCGI_TRUNCATED') throw error
      return this.#refuse(error)
    }
    this.#served = true
    this.#awaitStdin()
    this.#run()
  }

  #refuse(error: FcgiError): void {
    this.#link.options.logger.warn({ err: error }, 'fcgi: a request was refused')
    this.writeHead(error.status === 431 ? 431 : 400)
    this.end()
    this.#link.settled(this)
  }

  /** Content of a STDIN record; empty at the end of the stream. */
  recvStdin(content: Buffer): void {
    const late = this.#state === 'received' || this.#state === 'filtering'
    if (!this.#step(content.length === 0 ? 'recvStdinEnd' : 'recvStdin')) {
      throw new FcgiError('ERR_FCGI_PROTOCOL', 'STDIN before the end of PARAMS')
    }
    if (late) return
    if (content.length === 0) this.#stdin?.finish()
    else this.#stream().give(content)
    // The handler may have been called from within, and have ended the request.
    if (this.over) return
    this.#checkHeld()
  }

  /** What nobody has read is bounded, of both streams together. */
  #checkHeld(): void {
    if (this.#held() >= this.#link.options.stdinBufferSize) this.#link.pause(this)
    this.#awaitStdin()
  }

  #held(): number {
    return (this.#stdin?.held ?? 0) + (this.#data?.held ?? 0)
  }

  /** Content of a DATA record; empty at the end of the stream. Nobody but a filter is sent any, and others ignore it. */
  recvData(content: Buffer): void {
    if (this.role !== 'filter') return
    const late = this.#state === 'filtering'
    if (!this.#step(content.length === 0 ? 'recvDataEnd' : 'recvData')) {
      throw new FcgiError('ERR_FCGI_PROTOCOL', 'DATA before the end of STDIN')
    }
    if (late) return
    if (content.length === 0) this.#data?.finish()
    else this.#dataStream().give(content)
    if (!this.over) this.#checkHeld()
  }

  recvAbort(): void {
    this.#step('recvAbort')
    this.#link.sendEnd(this, 0, ProtocolStatus.RequestComplete)
    this.#giveUp(new FcgiError('ERR_FCGI_ABORTED', 'by the gateway', { fault: 'peer' }))
  }

  /** The connection is gone. */
  lost(error: FcgiError): void {
    if (!this.over && this.#step('recvAbort')) this.#giveUp(error)
  }

  /** Tells the handler, who may call anything from there. */
  #giveUp(error: FcgiError): void {
    this.#aborted = error
    this.#link.resume(this)
    if (!this.#served) this.#link.settled(this)
    this.#stdin?.destroy(error)
    this.#data?.destroy(error)
    this.#body?.destroy()
    this.onAborted?.()
    this.#abort?.abort(error)
  }

  // From the handler.

  /** A handler that returns no promise is answered within this turn: no promise is made for it. */
  #run(): void {
    let later: Promise<void> | undefined
    try {
      const answer = this.#link.options.onRequest(this)
      later = isPromise(answer)
        ? this.#wait(answer)
        : this.#answer(takeReply(answer as FcgiReply | undefined))
    } catch (error) {
      this.#threw(error)
    }
    if (later === undefined) this.#link.settled(this)
    else void later.catch((error: unknown) => this.#threw(error)).finally(() => this.#link.settled(this))
  }

  async #wait(answer: PromiseLike<FcgiReply | undefined | void>): Promise<void> {
    await this.#answer(takeReply(await answer))
  }

  /** The promise of a body that comes in pieces. */
  #answer(reply: FcgiReply | undefined): Promise<void> | undefined {
    if (reply !== undefined && !this.over) {
      const { status = 200, headers = [], body } = reply
      this.writeHead(status, headers)
      if (typeof body === 'string' || body instanceof Uint8Array) this.write(body)
      else if (body !== undefined) return this.#sendPieces(body).then(() => this.end(reply.appStatus))
    }
    this.end(reply?.appStatus)
    return undefined
  }

  async #sendPieces(body: AsyncIterable<Uint8Array | string>): Promise<void> {
    // A stream that waits for its source is not to be waited for when nobody wants it.
    if (body instanceof Readable) this.#body = body
    for await (const chunk of body) {
      if (!this.write(chunk)) await this.drained()
      if (this.over) return
    }
  }

  #threw(error: unknown): void {
    if (this.over) return
    this.#link.options.logger.error({ err: error, ...placeOf(error) }, 'fcgi: a handler threw')
    this.destroy()
  }

  writeHead(status: number, headers: ReplyHeaders = []): void {
    requireArgument(typeof status === 'number', 'writeHead: the status', 'must be a number', status)
    if (this.#begun) throw new FcgiError('ERR_FCGI_HEAD_SENT')
    const head = formatReplyHead(status, headers)
    this.#begun = status >= 200
    this.#head = (this.#head ?? '') + head
    // An informational head is of use at once or not at all.
    if (!this.#begun) this.#flushHead()
  }

  writeHeadText(head: string): void {
    if (this.#begun) throw new FcgiError('ERR_FCGI_HEAD_SENT')
    this.#begun = true
    this.#head = (this.#head ?? '') + head
  }

  #flushHead(): void {
    const head = this.#head
    this.#head = undefined
    if (head !== undefined && !this.over) this.#link.sendStdout(this.id, '', head)
  }

  write(chunk: Uint8Array | string): boolean {
    if (typeof chunk !== 'string') checkBytes('write: the chunk', chunk)
    if (!this.#begun) this.writeHead(200)
    if (this.over) return true
    const head = this.#head ?? ''
    this.#head = undefined
    return this.#link.sendStdout(this.id, chunk, head)
  }

  drained(): Promise<void> {
    return this.over ? Promise.resolve() : this.#link.drained()
  }

  stderr(text: string): void {
    checkText('stderr: the text', text)
    if (!this.over && text !== '') this.#link.sendStderr(this.id, text)
  }

  end(appStatus = 0): void {
    checkInteger('end: the appStatus', appStatus, 0xffff_ffff, -0x8000_0000)
    if (this.over) return
    if (!this.#begun) this.writeHead(200)
    this.#flushHead()
    this.#step('sendEnd')
    this.#link.resume(this)
    this.#stdin?.discard()
    this.#data?.discard()
    this.#link.sendEnd(this, appStatus >>> 0, ProtocolStatus.RequestComplete)
  }

  destroy(): void {
    if (this.over) return
    if (this.#begun && this.#link.breakOff(this)) return
    if (!this.#begun) this.writeHead(500)
    this.end(1)
  }

  #step(event: ResponderEvent): boolean {
    const next = stepResponder(this.#state, event)
    if (next !== undefined) this.#state = next
    return next !== undefined
  }
}
