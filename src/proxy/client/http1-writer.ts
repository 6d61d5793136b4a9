/** What a client's HTTP/1.1 connection is sent: heads and bodies, framed as its request and its version want it. */
import type { Socket } from 'node:net'
import type { Lent } from '../../base/lent.ts'
import { formatResponseHead, formatStatusLine, Framing, isPersistent } from '../../http1/index.ts'
import type { HeaderList, RequestHead, ResponseHead } from '../../http1/index.ts'
import type { ProxyContext } from '../context.ts'
import type { ErrorReply } from '../plan/reply.ts'
import { formatErrorReply, rawErrorPage } from '../stream/error-page.ts'
import {
  dropFraming,
  fixDescribedFraming,
  fixFraming,
  offeringUpgrade,
  setConnection,
} from '../wire/hop-by-hop.ts'
import { Outbox } from '../wire/outbox.ts'

/** One per connection: the answer to one request at a time. */
export class Http1Writer {
  readonly outbox: Outbox
  /** Whether this answer leaves the connection good for another request. */
  keep = false
  /** The client has said that this request is its last, and nothing followed its head. */
  saidLast = false
  /** The client sees the end of this response by the end of the connection alone. */
  untilClose = false
  readonly #context: ProxyContext
  // Of the request, as it came: rules may change the method.
  #method = ''
  #minor: 0 | 1 = 1
  #persistent = false
  #chunked = false
  /** The status, or the method, says that no body follows, whatever rules made of the head. */
  #bodiless = false

  /** `onBlocked`: the client does not read. */
  constructor(context: ProxyContext, socket: Socket, onBlocked: () => void) {
    this.#context = context
    this.outbox = new Outbox(socket, context.turn, onBlocked)
  }

  /** A request has come. */
  begin({ method, minor, connection, framing }: RequestHead): void {
    this.#method = method
    this.#minor = minor
    this.#persistent = isPersistent(minor, connection)
    this.saidLast = !this.#persistent && framing === 0
    this.keep = this.untilClose = false
  }

  informational({ status, reason, headers }: ResponseHead): void {
    dropFraming(headers)
    setConnection(headers, undefined)
    this.outbox.text(formatResponseHead(status, reason, headers, 1))
  }

  /** As `sendHead` of a ClientTransport. */
  head(head: ResponseHead, framing: Framing, tunnel: boolean, mayKeep: boolean): void {
    const { status, reason, headers, minor } = head
    this.#chunked = framing === Framing.Chunked && this.#minor === 1
    // HAProxy 2.6 sends chunks to HTTP/1.0 clients, who cannot read them.
    this.untilClose = framing === Framing.UntilClose || (framing === Framing.Chunked && !this.#chunked)
    this.#bodiless = tunnel || this.#method === 'HEAD' || status < 200 || status === 204 || status === 304
    this.#frame(head, framing, tunnel)
    this.keep = mayKeep && !tunnel && !this.untilClose && this.#persistent && !this.#context.closing
    if (!tunnel) setConnection(headers, offeringUpgrade(headers, this.#connectionWords(minor)))
    this.outbox.head(formatStatusLine(status, reason, minor), headers)
  }

  #frame({ status, headers }: ResponseHead, framing: Framing, tunnel: boolean): void {
    if (status < 200 || status === 204 || tunnel) dropFraming(headers)
    else if (status === 304 || this.#method === 'HEAD') fixDescribedFraming(headers)
    else {
      fixFraming(headers, this.untilClose ? Framing.UntilClose : framing)
      // A rule has changed a status that stands without a length.
      if (framing === 0 && !headers.has('content-length')) headers.add('content-length', '0')
    }
  }

  /** Whatever is not the version's habit is said. */
  #connectionWords(minor: number): string | undefined {
    if (!this.keep) return minor === 1 ? 'close' : undefined
    return this.#minor === 0 || minor === 0 ? 'keep-alive' : undefined
  }

  /** False: wait for the socket to drain. */
  body(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): boolean {
    return this.#bodiless || this.outbox.body(pieces, this.#chunked, done, trailers)
  }

  /** A page for a request that could not be read: that of the configuration, or HAProxy's own. */
  page(status: number, reply: ErrorReply | undefined): void {
    if (reply === undefined) this.outbox.bytes(rawErrorPage(status))
    else if (!reply.silent) {
      this.outbox.text(formatErrorReply(reply))
      this.outbox.body([reply.body], false, true, undefined)
    }
  }
}
