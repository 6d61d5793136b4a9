/** One step of a stream through its phases. */
import type { Flow } from '../plan/flow.ts'
import type { ProxyStream } from './stream.ts'

/** Steps keep nothing: what they must remember is `stream.position`, 0 when they begin. */
export interface Step {
  run(stream: ProxyStream): Flow
}
