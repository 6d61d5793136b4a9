/**
 * The phases of a stream, in HAProxy's order. Rules, SPOE events and the log's idea of how far a stream came hang on
 * these names and on nothing else.
 */
import type { RuleSet, SpoeEvent } from '../../config/model/index.ts'

/** One phase: first its SPOE event is fired, then its rules are run. */
export interface Phase {
  /** As docs/proxy.md has it. */
  readonly name: string
  /** Fired just before the rules. */
  readonly event: SpoeEvent | undefined
  /** Which rules run; undefined: none. */
  readonly ruleSet: RuleSet | undefined
  /** Whose rules run, and in which order. */
  readonly sides: readonly ('frontend' | 'backend')[]
  /** What goes by meanwhile. */
  readonly direction: 'request' | 'response'
}

/** Between these the backend is chosen (`use_backend`), and after the last one of the request a server. */
export const phases = {
  clientSession: {
    name: 'client-session',
    event: 'on-client-session',
    ruleSet: undefined,
    sides: ['frontend'],
    direction: 'request',
  },
  frontendTcpRequest: {
    name: 'frontend-tcp-request',
    event: 'on-frontend-tcp-request',
    ruleSet: 'tcp-request content',
    sides: ['frontend'],
    direction: 'request',
  },
  frontendHttpRequest: {
    name: 'frontend-http-request',
    event: 'on-frontend-http-request',
    ruleSet: 'http-request',
    sides: ['frontend'],
    direction: 'request',
  },
  backendTcpRequest: {
    name: 'backend-tcp-request',
    event: 'on-backend-tcp-request',
    ruleSet: 'tcp-request content',
    sides: ['backend'],
    direction: 'request',
  },
  backendHttpRequest: {
    name: 'backend-http-request',
    event: 'on-backend-http-request',
    ruleSet: 'http-request',
    sides: ['backend'],
    direction: 'request',
  },
  serverSession: {
    name: 'server-session',
    event: 'on-server-session',
    ruleSet: undefined,
    sides: ['backend'],
    direction: 'response',
  },
  // Only the backend's rules: `tcp_inspect_response` never looks at the frontend.
  tcpResponse: {
    name: 'tcp-response',
    event: 'on-tcp-response',
    ruleSet: 'tcp-response content',
    sides: ['backend'],
    direction: 'response',
  },
  httpResponse: {
    name: 'http-response',
    event: 'on-http-response',
    ruleSet: 'http-response',
    sides: ['backend', 'frontend'],
    direction: 'response',
  },
  // Also for the replies that the proxy makes itself.
  httpAfterResponse: {
    name: 'http-after-response',
    event: undefined,
    ruleSet: 'http-after-response',
    sides: ['backend', 'frontend'],
    direction: 'response',
  },
} as const satisfies Record<string, Phase>

/** What a stream of either mode goes through before and after the choice of a backend, and when a server answers. */
export const phasesOf = {
  tcp: {
    frontend: [phases.clientSession, phases.frontendTcpRequest],
    backend: [phases.backendTcpRequest],
    server: [phases.serverSession],
    response: [phases.tcpResponse],
  },
  http: {
    frontend: [phases.clientSession, phases.frontendTcpRequest, phases.frontendHttpRequest],
    backend: [phases.backendTcpRequest, phases.backendHttpRequest],
    server: [phases.serverSession, phases.tcpResponse],
    response: [phases.httpResponse, phases.httpAfterResponse],
  },
  // No stream goes there: it is for filters.
  spop: { frontend: [], backend: [], server: [], response: [] },
} as const satisfies Record<string, Record<string, readonly Phase[]>>
