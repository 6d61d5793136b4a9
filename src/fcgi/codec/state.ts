/**
 * The machines of both ends: tables and one step. Nothing else decides what may come when. `undefined` is "not allowed": a
 * `recv…` is then the peer's violation, anything else is ours.
 *
 * A request as the client sees it. The response may begin, and end, while STDIN is still being sent:
 * ```
 *   waiting ──begin──▶ sending ──sendStdinEnd──▶ sent
 *                        │                        │ recvStdoutEnd
 *                        └─recvStdoutEnd─▶ replied ──sendStdinEnd──▶ ending ──recvEnd──▶ complete
 * ```
 * END_REQUEST ends everything, with or without the empty STDOUT that should come before it (php-fpm sends none). A
 * connection that is lost after the empty STDOUT leaves a complete response. One that is refused before a byte of STDOUT is
 * `waiting` again (`retry`), whether or not the empty STDOUT came before the refusal.
 *
 * A connection of the client:
 * ```
 *   open ──retire──▶ draining ──drained──▶ closing ──lost──▶ closed
 * ```
 *
 * A request as the responder sees it:
 * ```
 *   params ──recvParamsEnd──▶ receiving ──recvStdinEnd──▶ received ──sendEnd──▶ ended
 * ```
 * A filter is sent DATA behind STDIN; when that has ended, too, it is `filtering`.
 */

/** A request, at the client. */
export const requestTransitions = {
  waiting: { begin: 'sending', abort: 'failed', lost: 'failed' },
  sending: {
    sendStdin: 'sending',
    sendStdinEnd: 'sent',
    recvStdout: 'sending',
    recvStdoutEnd: 'replied',
    recvStderr: 'sending',
    recvEnd: 'complete',
    retry: 'waiting',
    abort: 'failed',
    lost: 'failed',
  },
  sent: {
    recvStdout: 'sent',
    recvStdoutEnd: 'ending',
    recvStderr: 'sent',
    recvEnd: 'complete',
    retry: 'waiting',
    abort: 'failed',
    lost: 'failed',
  },
  replied: {
    sendStdin: 'replied',
    sendStdinEnd: 'ending',
    recvStdout: 'replied',
    recvStdoutEnd: 'replied',
    recvStderr: 'replied',
    recvEnd: 'complete',
    retry: 'waiting',
    abort: 'failed',
    lost: 'complete',
  },
  ending: {
    recvStdout: 'ending',
    recvStdoutEnd: 'ending',
    recvStderr: 'ending',
    recvEnd: 'complete',
    retry: 'waiting',
    abort: 'failed',
    lost: 'complete',
  },
  complete: {},
  failed: {},
} as const satisfies Record<string, Record<string, string>>

/** A connection, at the client. */
export const connectionTransitions = {
  open: {
    begin: 'open',
    recvValues: 'open',
    recvUnknownType: 'open',
    retire: 'draining',
    close: 'closing',
    lost: 'closed',
  },
  draining: {
    recvValues: 'draining',
    recvUnknownType: 'draining',
    retire: 'draining',
    drained: 'closing',
    close: 'closing',
    lost: 'closed',
  },
  closing: { close: 'closing', lost: 'closed' },
  closed: {},
} as const satisfies Record<string, Record<string, string>>

/** A request, at the responder. */
export const responderTransitions = {
  params: { recvParams: 'params', recvParamsEnd: 'receiving', recvAbort: 'ended', sendEnd: 'ended' },
  receiving: { recvStdin: 'receiving', recvStdinEnd: 'received', recvAbort: 'ended', sendEnd: 'ended' },
  // php-fpm and Go skip what comes behind the end of STDIN, and some gateways send a second empty record.
  received: {
    recvStdin: 'received',
    recvStdinEnd: 'received',
    recvData: 'received',
    recvDataEnd: 'filtering',
    recvAbort: 'ended',
    sendEnd: 'ended',
  },
  filtering: {
    recvStdin: 'filtering',
    recvStdinEnd: 'filtering',
    recvData: 'filtering',
    recvDataEnd: 'filtering',
    recvAbort: 'ended',
    sendEnd: 'ended',
  },
  ended: {},
} as const satisfies Record<string, Record<string, string>>

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>
type EventOf<T> =
  T extends Readonly<Record<string, infer Row>> ? (Row extends unknown ? keyof Row : never) : never

/** A state of {@link requestTransitions}. */
export type RequestState = keyof typeof requestTransitions
/** An event of {@link requestTransitions}. */
export type RequestEvent = EventOf<typeof requestTransitions>
/** A state of {@link connectionTransitions}. */
export type ConnectionState = keyof typeof connectionTransitions
/** An event of {@link connectionTransitions}. */
export type ConnectionEvent = EventOf<typeof connectionTransitions>
/** A state of {@link responderTransitions}. */
export type ResponderState = keyof typeof responderTransitions
/** An event of {@link responderTransitions}. */
export type ResponderEvent = EventOf<typeof responderTransitions>

/**
 * The next state of a request at the client: {@link requestTransitions} told by events, which the test holds beside it cell by cell.
 * Each request asks some five times, and to look up two names in a table takes V8 five times as long.
 */
export function stepRequest(state: RequestState, event: RequestEvent): RequestState | undefined {
  if (state === 'complete' || state === 'failed') return undefined
  if (event === 'abort') return 'failed'
  if (state === 'waiting') return stepWaiting(event)
  switch (event) {
    case 'begin':
      return undefined
    case 'sendStdin':
      return state === 'sending' || state === 'replied' ? state : undefined
    case 'sendStdinEnd':
      if (state === 'sending') return 'sent'
      return state === 'replied' ? 'ending' : undefined
    case 'recvStdout':
    case 'recvStderr':
      return state
    case 'recvStdoutEnd':
      return state === 'sending' || state === 'replied' ? 'replied' : 'ending'
    case 'recvEnd':
      return 'complete'
    case 'retry':
      return 'waiting'
    case 'lost':
      return state === 'sending' || state === 'sent' ? 'failed' : 'complete'
  }
}

function stepWaiting(event: RequestEvent): RequestState | undefined {
  if (event === 'begin') return 'sending'
  return event === 'lost' ? 'failed' : undefined
}

/** The next state of a connection at the client. */
export function stepConnection(state: ConnectionState, event: ConnectionEvent): ConnectionState | undefined {
  return (connectionTransitions as Table)[state]?.[event] as ConnectionState | undefined
}

/** The next state of a request at the responder. */
export function stepResponder(state: ResponderState, event: ResponderEvent): ResponderState | undefined {
  return (responderTransitions as Table)[state]?.[event] as ResponderState | undefined
}
