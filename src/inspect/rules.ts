/**
 * Everything that the inspector finds wrong with SPOP: one row a rule, with what it says and where it comes from. What
 * HAProxy does was seen with 2.6.12, 3.0.0, 3.2.0 and 3.5-dev5.
 */
import { statusText } from '../spop/errors.ts'
import type { Finding, Severity } from './entry.ts'

/** A rule: what it says is a function of what was seen. */
export interface Rule {
  readonly severity: Severity
  /** A section of SPOE.txt, or the HAProxy that was seen to do it. */
  readonly source: string
  readonly says: (...seen: never[]) => string
}

const behind = 'so is every action behind it'

/** Milliseconds as people read them. */
export function formatMs(ms: number): string {
  const rounded = ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)
  return `${rounded} ms`
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** The rules of SPOP. */
export const spopRules = {
  'frame.not-spop': {
    severity: 'error',
    source: 'SPOE.txt 3.2',
    says: (why: string) => `these bytes are no SPOP frame: ${why}; nothing more of this direction is read`,
  },
  'frame.truncated': {
    severity: 'error',
    source: 'SPOE.txt 3.2',
    says: (have: number) => `the connection ends ${plural(have, 'byte')} into a frame`,
  },
  'frame.undecodable': {
    severity: 'error',
    source: 'SPOE.txt 3.1, 3.2',
    says: (why: string) => `the payload cannot be decoded: ${why}`,
  },
  'frame.oversize': {
    severity: 'error',
    source: 'SPOE.txt 3.2.4, 3.2.5; HAProxy 2.6 to 3.5: error 259 (256+3)',
    says: (size: number, limit: number, from: string) =>
      from === 'server'
        ? `${size} bytes, and max-frame-size is ${limit}: HAProxy disconnects with status 3, the request gets the error 259`
        : `${size} bytes, and max-frame-size is ${limit}: the agent may disconnect with status 3`,
  },
  'frame.direction': {
    severity: 'error',
    source: 'SPOE.txt 3.2.2',
    says: (name: string, who: string) =>
      `${who} never sends ${name}: are client and server the wrong way round?`,
  },
  'frame.before-hello': {
    severity: 'error',
    source: 'SPOE.txt 3.2.4, 3.2.5',
    says: (name: string) => `${name} before the HELLOs are exchanged`,
  },
  'frame.unknown-type': {
    severity: 'warning',
    source: 'SPOE.txt 3.2.2: frames of unknown types may be skipped',
    says: (type: number) => `no document names a frame of type ${type}`,
  },
  'frame.flags': {
    severity: 'warning',
    source: 'SPOE.txt 3.2: two flags are defined',
    says: (flags: number) =>
      `flags 0x${flags.toString(16).padStart(8, '0')}: only FIN (1) and ABORT (2) exist; are they in host order?`,
  },
  'frame.no-fin': {
    severity: 'error',
    source: 'SPOE.txt 3.2; HAProxy 2.6 to 3.5: error 266 (256+10)',
    says: (name: string) =>
      `${name} without FIN: HAProxy takes no fragments from an agent and disconnects with status 10`,
  },
  'frame.ids': {
    severity: 'error',
    source: 'SPOE.txt 3.2.4 to 3.2.9: STREAM-ID and FRAME-ID are 0',
    says: (name: string, ids: string) => `${name} with the ids ${ids}, wanted 0/0`,
  },
  'hello.again': {
    severity: 'error',
    source: 'SPOE.txt 3.2.4, 3.2.5',
    says: (name: string) => `a second ${name} on the connection`,
  },
  'hello.refused': {
    severity: 'error',
    source: 'SPOE.txt 3.2.4, 3.2.5, 3.5',
    says: (status: number, why: string) => `the other end refuses this with status ${status}: ${why}`,
  },
  'hello.smaller-frames': {
    severity: 'warning',
    source: 'HAProxy 2.6 (954 connections in 0.5 s) and 3.1 or later (error 259)',
    says: (size: number, theirs: number) =>
      `max-frame-size ${size} is below HAProxy's ${theirs}: a message between the two makes 2.6 reconnect over and over, and fails in 3.1`,
  },
  'hello.async': {
    severity: 'warning',
    source: 'HAProxy 2.6 and 3.0',
    says: () =>
      'both ends agree on async: when the agent dies or disconnects, HAProxy up to 3.0 waits for the whole timeout processing',
  },
  'hello.no-capabilities': {
    severity: 'warning',
    source: 'SPOE.txt 3.2.5; option spop-check of HAProxy 2.6 to 3.5 fails with status 7',
    says: () => 'no capabilities: an empty one has to be there, or health checks fail',
  },
  'hello.split': {
    severity: 'warning',
    source: 'HAProxy 3.2.0 and 3.5-dev5 (haproxy issue 3478)',
    says: (first: number, size: number) =>
      `AGENT-HELLO came in pieces (${first} of ${size} bytes first): HAProxy 3.2 resets such a connection; write each frame at once`,
  },
  'hello.disconnected': {
    severity: 'error',
    source: 'HAProxy 2.6 and 3.0 (1504 connections for 7 requests), 3.2 (error 1)',
    says: () =>
      'DISCONNECT in place of AGENT-HELLO: HAProxy up to 3.0 reconnects at once, over and over; fail the health check instead',
  },
  'notify.reused-pair': {
    severity: 'error',
    source: 'HAProxy 2.6 with option continue-on-error',
    says: (ids: string, waited: number) =>
      `NOTIFY ${ids} was asked ${formatMs(waited)} ago and has no answer yet: HAProxy takes the next ACK ${ids} for this one, whichever it answers`,
  },
  'notify.no-ack': {
    severity: 'error',
    source: 'timeout processing: error 1',
    says: (ids: string, waited: number, messages: string) =>
      `no ACK for NOTIFY ${ids}${messages} within ${formatMs(waited)}: HAProxy goes on with the error 1`,
  },
  'notify.no-message': {
    severity: 'note',
    source: 'HAProxy 3.1 to 3.3-dev7, when the ACLs of all messages are false',
    says: () => 'a NOTIFY without messages: it has to be answered, too',
  },
  'fragment.not-agreed': {
    severity: 'error',
    source: 'SPOE.txt 3.2.1; status 10',
    says: () => 'a fragment, and the agent did not announce fragmentation: it may disconnect with status 10',
  },
  'fragment.interlaced': {
    severity: 'error',
    source: 'SPOE.txt 3.2; status 11',
    says: (why: string) => `fragments are mixed up: ${why}`,
  },
  'fragment.aborted': {
    severity: 'note',
    source: 'SPOE.txt 3.2.3',
    says: (ids: string) => `HAProxy gives up the fragmented NOTIFY ${ids}: no answer is wanted`,
  },
  'ack.frame-id': {
    severity: 'error',
    source: 'HAProxy 2.6 to 3.5; SPOE.txt 3.2.7, status 12',
    says: (ids: string, wanted: string) =>
      `ACK ${ids} has a wrong frame id, ${wanted} is waiting: HAProxy ignores it until the time-out (error 1), or disconnects with status 12 (error 256) without pipelining`,
  },
  'ack.unasked': {
    severity: 'error',
    source: 'HAProxy 2.6 to 3.5; SPOE.txt 3.2.7, status 12',
    says: (ids: string) =>
      `ACK ${ids} answers no NOTIFY of this connection: HAProxy ignores it, or disconnects with status 12 (error 256) without pipelining`,
  },
  'ack.again': {
    severity: 'error',
    source: 'SPOE.txt 3.2.7: one ACK for each NOTIFY',
    says: (ids: string) =>
      `a second ACK ${ids}: HAProxy ignores it, or takes it for another message of this stream`,
  },
  'ack.late': {
    severity: 'error',
    source: 'timeout processing: error 1; with option continue-on-error 2.6 takes it for the next message',
    says: (late: number) => `ACK ${formatMs(late)} after the stream timed out`,
  },
  'ack.ambiguous': {
    severity: 'warning',
    source: 'HAProxy 2.6 with option continue-on-error',
    says: (ids: string) =>
      `NOTIFY ${ids} was asked twice: HAProxy takes this ACK for the second, even if it answers the first`,
  },
  'ack.early': {
    severity: 'warning',
    source: 'SPOE.txt 3.2.3, 3.2.7',
    says: () => 'an ACK before the last fragment, without ABORT',
  },
  'action.type': {
    severity: 'error',
    source: 'SPOE.txt 3.4; HAProxy 2.6 to 3.5',
    says: (index: number, type: number) =>
      `action ${index} ignored by HAProxy: its type is ${type}, and only set-var (1) and unset-var (2) exist; ${behind}`,
  },
  'action.nb-args': {
    severity: 'error',
    source: 'SPOE.txt 3.4; HAProxy 2.6 to 3.5',
    says: (index: number, count: number, type: string, wanted: number) =>
      `action ${index} ignored by HAProxy: nb-args is ${count}, ${type} wants ${wanted}; ${behind}`,
  },
  'action.scope': {
    severity: 'error',
    source: 'SPOE.txt 3.4; HAProxy 2.6 to 3.5',
    says: (index: number, scope: number) =>
      `action ${index} ignored by HAProxy: its scope is ${scope}, wanted 0 (proc) to 4 (res); ${behind}`,
  },
  'action.undecodable': {
    severity: 'error',
    source: 'SPOE.txt 3.1, 3.4; HAProxy 2.6 to 3.5',
    says: (index: number, why: string) => `action ${index} ignored by HAProxy: ${why}; ${behind}`,
  },
  'variable.long': {
    severity: 'error',
    source: 'HAProxy (spoe_set_var): scope, prefix and name in 63 bytes; cut up to 3.4, dropped since 3.5',
    says: (length: number, room: number, prefix: string) =>
      `variable name of ${length} characters is dropped: behind ${prefix} HAProxy has room for ${room}`,
  },
  'variable.name': {
    severity: 'error',
    source: 'configuration.txt, set-var: a-z, A-Z, 0-9, . and _',
    says: (name: string) => `variable name ${JSON.stringify(name)} is dropped: no configuration can name it`,
  },
  'value.negative': {
    severity: 'warning',
    source: 'HAProxy keeps integers as 64 bits with a sign',
    says: (name: string, value: string) => `${name}: uint64 ${value} becomes a negative number in HAProxy`,
  },
  'value.control': {
    severity: 'warning',
    source: 'HAProxy 2.6: log-format writes them as they are',
    says: (name: string) => `${name} holds control characters: they break lines of a log that shows it`,
  },
  'disconnect.status': {
    severity: 'error',
    source: 'SPOE.txt 3.5',
    says: (who: string, status: number) =>
      `${who} leaves with status ${status} (${statusText(status)}): sluice inspect explain ${256 + status}`,
  },
  'disconnect.pending': {
    severity: 'error',
    source: 'HAProxy 2.6 to 3.5: error 256+status',
    says: (count: number, status: number) =>
      `the agent leaves with ${plural(count, 'NOTIFY')} unanswered: the error ${256 + status} for each`,
  },
  'end.pending': {
    severity: 'error',
    source: 'HAProxy 2.6 to 3.5: error 257 (256+1), or 1 with async',
    says: (list: string) => `the agent closes with no answer to NOTIFY ${list}: the error 257 for each`,
  },
  'end.given-up': {
    severity: 'warning',
    source: 'HAProxy 3.1 or later resets after a time-out; others when they stop',
    says: (list: string) => `HAProxy closes while NOTIFY ${list} waits for an answer`,
  },
  'end.no-disconnect': {
    severity: 'note',
    source: 'SPOE.txt 3.2.9',
    says: () => 'the agent closes without DISCONNECT',
  },
  'end.health-check': {
    severity: 'note',
    source: 'option spop-check of HAProxy 2.6 to 3.5',
    says: () => 'the end of a health check, as it should be',
  },
} as const satisfies Record<string, Rule>

/** A rule of a table, by name, with what was seen. */
export function findIn<Table extends Record<string, Rule>, Name extends keyof Table & string>(
  table: Table,
  rule: Name,
  ...seen: Parameters<Table[Name]['says']>
): Finding {
  const { severity, source, says } = table[rule] as Rule // the name is one of the table's
  return { rule, severity, text: (says as (...all: readonly unknown[]) => string)(...seen), source }
}

/** Makes a finding of SPOP. */
export function find<Name extends keyof typeof spopRules>(
  rule: Name,
  ...seen: Parameters<(typeof spopRules)[Name]['says']>
): Finding {
  return findIn(spopRules, rule, ...seen)
}

/** The rules of tables as one of Markdown, for docs. */
export function ruleTable(...tables: readonly Readonly<Record<string, Rule>>[]): string {
  const rows = tables.flatMap((table) =>
    Object.entries(table).map(
      ([name, { severity, source }]) => `| \`${name}\` | ${severity} | ${source.replaceAll('|', '\\|')} |`,
    ),
  )
  return ['| rule | | where it comes from |', '|---|---|---|', ...rows, ''].join('\n')
}
