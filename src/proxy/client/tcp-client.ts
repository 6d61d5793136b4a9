/** A client's connection in TCP mode: one stream, which may turn out to be HTTP. */
import type { Socket } from 'node:net'
import type { ProxyContext } from '../context.ts'
import type { Backend } from '../server/backend.ts'
import type { Router } from '../stream/router.ts'
import type { Session } from '../stream/session.ts'
import { TcpStream } from '../stream/tcp-stream.ts'
import type { ClientHost, ClientSide } from './client-side.ts'
import { Http1Client } from './http1-client.ts'

/** Stays what its frontend knows, whoever reads the socket. */
export class TcpClient implements ClientSide, ClientHost {
  readonly #context: ProxyContext
  seat = -1
  readonly session: Session
  readonly #router: Router
  readonly #socket: Socket
  readonly #host: ClientHost
  readonly #stream: TcpStream
  #http: Http1Client | undefined

  constructor(context: ProxyContext, session: Session, router: Router, socket: Socket, host: ClientHost) {
    this.#context = context
    this.session = session
    this.#router = router
    this.#socket = socket
    this.#host = host
    this.#stream = new TcpStream(context, session, router, socket, {
      onStreamOver: () => host.clientGone(this),
      onHttp: (bytes, backend) => this.#becomeHttp(bytes, backend),
    })
  }

  start(): void {
    this.#stream.start()
  }

  #becomeHttp(bytes: Buffer | undefined, backend: Backend): void {
    this.session.requests = 0
    this.#http = new Http1Client(this.#context, this.session, this.#router, this.#socket, this)
    this.#http.takeOver(bytes, backend, this.#stream)
  }

  clientLeaving(): void {
    this.#host.clientLeaving(this)
  }

  /** Of the HTTP client that has taken over. */
  clientGone(): void {
    this.#host.clientGone(this)
  }

  closeIfIdle(): void {
    this.#http?.closeIfIdle()
  }

  destroy(): void {
    if (this.#http === undefined) this.#stream.destroy()
    else this.#http.destroy()
  }
}
