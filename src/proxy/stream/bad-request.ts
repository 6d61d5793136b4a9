/** A request that could not be read: there is nothing to run rules on, and a line for the log. */
import type { ProxyContext } from '../context.ts'
import type { Cause } from '../plan/rule.ts'
import { StreamRecord } from './record.ts'
import type { Beginning } from './record.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'
import { UnansweredStream } from './unanswered-stream.ts'

/** Shown as `<BADREQ>`. */
export class BadRequest extends UnansweredStream {
  constructor(context: ProxyContext, session: Session, frontend: Router, beginning: Beginning) {
    super(context, session, frontend, new StreamRecord(beginning, -1))
  }

  /**
   * Logs it, with the status that it is answered with. Without a format of its own a frontend logs connections, and this
   * one came to nothing.
   * @param begun whether any byte of it came
   */
  fail(cause: Cause, status: number, begun: boolean): void {
    this.record.garbled = begun
    this.record.status = status
    this.record.blame(cause)
    this.finishOnce(this.frontend.plan.logFormat === undefined)
  }
}
