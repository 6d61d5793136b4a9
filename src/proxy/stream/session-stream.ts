/** What the rules of `tcp-request connection` and `tcp-request session` see: a connection, and nothing that it sent yet. */
import { Flow } from './flow.ts'
import type { Session } from '../client/session.ts'
import { StreamTimes } from './times.ts'
import { ProxyStream } from './stream.ts'

/** See the head of this file. */
export class SessionStream extends ProxyStream {
  constructor(session: Session) {
    super(
      session,
      new StreamTimes(session.accepted, session.acceptDate, session.accepted, session.acceptDate),
    )
  }

  get request(): undefined {
    return undefined
  }

  get response(): undefined {
    return undefined
  }

  get requestBuffer(): undefined {
    return undefined
  }

  get responseBuffer(): undefined {
    return undefined
  }

  get requestLine(): undefined {
    return undefined
  }

  get serverAddress(): undefined {
    return undefined
  }

  get backendSource(): undefined {
    return undefined
  }

  reply(): Flow {
    return Flow.Over
  }

  reject(): Flow {
    return Flow.Over
  }

  protected fault(): void {}

  get inputOver(): boolean {
    return true
  }
}
