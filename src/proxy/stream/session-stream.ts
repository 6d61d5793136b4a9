/** What the rules of `tcp-request connection` and `tcp-request session` see: a connection, and nothing that it sent yet. */
import type { ProxyContext } from '../context.ts'
import { StreamRecord } from './record.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'
import { UnansweredStream } from './unanswered-stream.ts'

/** A stream that goes nowhere: its rules let it pass, or end it. */
export class SessionStream extends UnansweredStream {
  constructor(context: ProxyContext, session: Session, frontend: Router) {
    const { accepted, acceptDate } = session
    const beginning = { accepted, acceptDate, begun: accepted, requestDate: acceptDate }
    // It is no stream of HAProxy's, and takes no number.
    super(context, session, frontend, new StreamRecord(beginning, 0), -1)
  }
}
