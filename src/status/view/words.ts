/** What the page says where subjects differ. */
import type { SubjectKind } from '../readings.ts'

/** The words of one kind. Those that end in `Help` are shown on hover. */
export interface Words {
  /** What is counted and timed, in the plural. */
  readonly events: string
  /** What the charts are narrowed to. */
  readonly rows: string
  /** When there is no row. */
  readonly noRows: string
  readonly latencyHelp: string
  readonly failuresHelp: string
  readonly inFlightHelp: string
  /** What the values of the verdict are; the name of its variable follows where there is one. */
  readonly verdicts: string
  readonly verdictsHelp: string
  readonly errorsHelp: string
  readonly sources: string
  readonly sourcesHelp: string
}

const agent: Words = {
  events: 'messages',
  rows: 'messages',
  noRows: 'No message has a handler yet.',
  latencyHelp:
    "from a message's turn to its result; read from a histogram, so between its bounds it is an estimate",
  failuresHelp:
    'messages that their handler did not answer as it should: errors, deadlines, overload, answers too large',
  inFlightHelp: 'messages that wait for an asynchronous handler',
  verdicts: 'Verdicts',
  verdictsHelp: 'values that answers have set this variable to',
  errorsHelp: "by code; what HAProxy makes of it is the number that 'option set-on-error' gives",
  sources: 'Data and readiness',
  sourcesHelp: 'lists, databases and stores, and what /readyz asks',
}

const proxy: Words = {
  events: 'requests',
  rows: 'backends',
  noRows: 'No backend has had a request yet.',
  latencyHelp:
    'from the first byte of a request to its end; read from a histogram, so between its bounds it is an estimate',
  failuresHelp: 'responses with status 500 and above, and those that were cut off',
  inFlightHelp: 'requests in progress',
  verdicts: 'Responses',
  verdictsHelp: 'by class of their status',
  errorsHelp: 'by the termination state that the log has',
  sources: 'Servers and readiness',
  sourcesHelp: 'servers with what their last health check has found, and what /readyz asks',
}

const words: Readonly<Record<SubjectKind, Words>> = { agent, proxy }

/** Of the subject's kind. */
export function wordsOf({ subject }: { readonly subject: { readonly kind: SubjectKind } }): Words {
  return words[subject.kind]
}
