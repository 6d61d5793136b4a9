/** What the rules of `tcp-request connection` and `tcp-request session` see: a connection, and nothing that it sent yet. */
import type { ProxyContext } from '../context.ts'
import { Flow } from '../plan/flow.ts'
import { StreamRecord } from './record.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'
import { ProxyStream } from './stream.ts'

/** A stream that goes nowhere: its rules let it pass, or end it. */
export class SessionStream extends ProxyStream {
  constructor(context: ProxyContext, session: Session, frontend: Router) {
    const { accepted, acceptDate } = session
    const beginning = { accepted, acceptDate, begun: accepted, requestDate: acceptDate }
    // It is no stream of HAProxy's, and takes no number.
    super(context, session, frontend, new StreamRecord(beginning, 0), -1)
  }

  reply(): Flow {
    return Flow.Over
  }

  reject(): Flow {
    return Flow.Over
  }

  protected fault(): void {}

  protected releaseServer(): void {}

  get inputOver(): boolean {
    return true
  }
}
