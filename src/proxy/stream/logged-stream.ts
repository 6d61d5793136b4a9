/** What the log looks at when a stream begins and when it has ended. */
import type { StreamLogLevel } from '../../config/index.ts'
import type { RequestHead } from '../../http1/index.ts'
import type { SampleEndpoint, Stream } from '../../sample/stream.ts'
import type { ProxyContext } from '../context.ts'
import type { Backend } from '../server/backend.ts'
import type { Server } from '../server/server.ts'
import type { StreamRecord } from './record.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'

/** All that a log format can ask for. */
export interface LoggedStream extends Stream {
  readonly context: ProxyContext
  readonly session: Session
  readonly frontend: Router
  readonly chosenBackend: Backend | undefined
  readonly server: Server | undefined
  readonly record: StreamRecord
  readonly serial: number
  readonly head: RequestHead | undefined
  readonly logLevel: StreamLogLevel | undefined
  readonly capturedRequest: readonly (string | undefined)[] | undefined
  readonly capturedResponse: readonly (string | undefined)[] | undefined
  /** `GET /path HTTP/1.1` as received. */
  readonly requestLine: string | undefined
  readonly backendSource: SampleEndpoint | undefined
  readonly serverAddress: SampleEndpoint | undefined
}
