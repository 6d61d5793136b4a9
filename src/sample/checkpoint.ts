/**
 * Which information is available where: a fetch says what it needs, a checkpoint what it has (`fetch_cap` in
 * src/sample.c; its checkpoints are `SMP_CKP_*`). A fetch used where nothing that it needs is available is reported when the
 * configuration is read.
 */
import type { SpoeEvent } from '../config/model/index.ts'

/** A kind of information that a fetch is made from, with the name that diagnostics use. */
const sampleSources = {
  constant: 'nothing',
  internal: 'internal state',
  frontend: 'frontend',
  client: 'client address',
  'client-connection': 'client-side connection',
  'request-buffer': 'request buffer',
  'request-headers': 'HTTP request headers',
  request: 'HTTP request',
  backend: 'backend',
  server: 'server',
  'response-buffer': 'response buffer',
  'response-headers': 'HTTP response headers',
  response: 'HTTP response',
} as const

/** One key of {@link sampleSources}. */
export type SampleSource = keyof typeof sampleSources

const always = ['constant', 'internal'] as const
const accepted = [...always, 'frontend', 'client'] as const
const opened = [...accepted, 'client-connection'] as const
const requested = [...opened, 'request-buffer', 'request-headers', 'request'] as const
const answered = [
  ...opened,
  'request',
  'backend',
  'server',
  'response-buffer',
  'response-headers',
  'response',
] as const

/**
 * What each checkpoint has. `health-check` is for the requests of `http-check send`, which nobody's request is behind; `config` is for `set-var` in `global`; `server-connection` for `source`, `sni` and the SPOE
 * event on-server-session; `log` for log-format; `error-page` for `http-error`, which stands in for the answer to a
 * request or for a response. A unique-id-format has what `http-request` rules have.
 */
const checkpoints = {
  config: ['constant'],
  'tcp-request-connection': accepted,
  'tcp-request-session': opened,
  'tcp-request-content': requested,
  'http-request': requested,
  'backend-switching': requested,
  'server-switching': [...requested, 'backend'],
  'server-connection': [...requested, 'backend', 'server'],
  'tcp-response-content': answered,
  'http-response': answered,
  'http-after-response': answered,
  'error-page': [...requested, 'backend', 'server', 'response-buffer', 'response-headers', 'response'],
  'health-check': [...always, 'backend', 'server'],
  log: [...opened, 'request', 'backend', 'server', 'response'],
} as const satisfies Record<string, readonly SampleSource[]>

/** One key of {@link checkpoints}. */
export type Checkpoint = keyof typeof checkpoints

/** What the arguments of a message may use that is sent at a SPOE event (`where` in parse_spoe_flt, src/flt_spoe.c). */
export const eventCheckpoints = {
  'on-client-session': 'tcp-request-session',
  'on-frontend-tcp-request': 'tcp-request-content',
  'on-backend-tcp-request': 'tcp-request-content',
  'on-frontend-http-request': 'http-request',
  'on-backend-http-request': 'http-request',
  'on-server-session': 'server-connection',
  'on-tcp-response': 'tcp-response-content',
  'on-http-response': 'http-response',
} as const satisfies Record<SpoeEvent, Checkpoint>

/** Whether any of `needs` is there in the checkpoint; in a section that is a backend, its backend is. */
export function available(
  needs: readonly SampleSource[],
  checkpoint: Checkpoint,
  isBackend: boolean,
): boolean {
  const has: readonly SampleSource[] = checkpoints[checkpoint]
  const late = isBackend && (checkpoint === 'http-request' || checkpoint === 'tcp-request-content')
  return needs.some((each) => has.includes(each) || (late && each === 'backend'))
}

/** What a fetch needs, in words. */
export function describeNeeds(needs: readonly SampleSource[]): string {
  return needs.map((each) => sampleSources[each]).join(' or ')
}
