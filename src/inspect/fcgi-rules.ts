/**
 * Everything that the inspector finds wrong with FastCGI, as rules.ts has it for SPOP. What applications do was seen with
 * php-fpm 8.2, libfcgi 2.4 (fcgiwrap) and Go's net/http/fcgi.
 */
import { recordTypeName } from '../fcgi/codec/record.ts'
import type { Finding } from './entry.ts'
import { findIn, type Rule } from './rules.ts'

const protocolStatuses = [
  'complete',
  'CANT_MPX_CONN: the application handles one request on a connection',
  'OVERLOADED: the application is out of something',
  'UNKNOWN_ROLE: the application does not know the role',
]

/** A protocol status in words. */
export function protocolStatusText(status: number): string {
  return protocolStatuses[status] ?? `status ${status}, which no document names`
}

/** The rules of FastCGI. */
export const fcgiRules = {
  'record.not-fcgi': {
    severity: 'error',
    source: 'FastCGI 1.0, 3.3',
    says: (why: string) =>
      `these bytes are no FastCGI record: ${why}; nothing more of this direction is read`,
  },
  'record.truncated': {
    severity: 'error',
    source: 'FastCGI 1.0, 3.3',
    says: (have: number) => `the connection ends ${have} bytes into a record`,
  },
  'record.direction': {
    severity: 'error',
    source: 'FastCGI 1.0, 8',
    says: (name: string, who: string) =>
      `${who} never sends ${name}: are client and server the wrong way round?`,
  },
  'record.type': {
    severity: 'warning',
    source: 'FastCGI 1.0, 4.2',
    says: (type: number) => `no document names a record of type ${type}: php-fpm closes the connection`,
  },
  'record.id': {
    severity: 'error',
    source: 'FastCGI 1.0, 3.3',
    says: (name: string, id: number) =>
      id === 0
        ? `${name} with the request id 0, which is for management records`
        : `${name} with the request id ${id}, wanted 0`,
  },
  'record.padding': {
    severity: 'error',
    source: 'php-fpm 8.2',
    says: (content: number, padding: number) =>
      `content of ${content} and padding of ${padding} bytes are over 65535 together: php-fpm resets the connection`,
  },
  'record.undecodable': {
    severity: 'error',
    source: 'FastCGI 1.0, 3.4, 5',
    says: (type: number, why: string) => `${recordTypeName(type)} cannot be read: ${why}`,
  },
  'request.inactive': {
    severity: 'warning',
    source: 'FastCGI 1.0, 3.3: such records are ignored',
    says: (name: string, id: number) => `${name} for the request ${id}, which is not there, or over`,
  },
  'request.again': {
    severity: 'error',
    source: 'FastCGI 1.0, 5.1; Go closes the connection',
    says: (id: number) => `a second BEGIN_REQUEST for ${id}, which is still under way`,
  },
  'request.multiplexed': {
    severity: 'error',
    source: 'FastCGI 1.0, 4.1; php-fpm 8.2, libfcgi 2.4',
    says: (id: number) =>
      `a second request while ${id} is under way, and the application did not say FCGI_MPXS_CONNS=1: php-fpm cuts the body of the first, libfcgi refuses the second`,
  },
  'params.split': {
    severity: 'error',
    source: 'php-fpm 8.2',
    says: () => 'a parameter is cut by the end of a record: php-fpm closes the connection',
  },
  'params.no-script': {
    severity: 'warning',
    source: 'php-fpm 8.2: Primary script unknown',
    says: () => 'no SCRIPT_FILENAME: PHP does not know what to run',
  },
  'params.unended': {
    severity: 'error',
    source: 'FastCGI 1.0, 5.2',
    says: (name: string) => `${name} before the empty PARAMS that ends the parameters`,
  },
  'stdin.no-length': {
    severity: 'error',
    source: 'php-fpm 8.2',
    says: () => 'a body without CONTENT_LENGTH: php-fpm drops it, and closes the connection',
  },
  'stdin.length': {
    severity: 'error',
    source: 'RFC 3875, 4.1.2',
    says: (have: number, wanted: string) =>
      `STDIN ended after ${have} bytes, and CONTENT_LENGTH is ${wanted}`,
  },
  'stdin.again': {
    severity: 'error',
    source: 'FastCGI 1.0, 3.3: one empty record ends a stream',
    says: () => 'STDIN goes on after its end: some applications close the connection',
  },
  'stdout.nph': {
    severity: 'error',
    source: 'FastCGI 1.0, 6.2; RFC 3875, 5',
    says: () => 'the answer begins with a status line of HTTP: a FastCGI application sends Status: instead',
  },
  'stdout.no-head': {
    severity: 'error',
    source: 'RFC 3875, 6',
    says: () => 'the answer has no head: HAProxy answers 502',
  },
  'stderr.text': {
    severity: 'warning',
    source: 'FastCGI 1.0, 6.2',
    says: (text: string) => `the application says: ${text}`,
  },
  'end.refused': {
    severity: 'error',
    source: 'FastCGI 1.0, 5.5',
    says: (status: number) => `the request was not run: ${protocolStatusText(status)}`,
  },
  'end.exit': {
    severity: 'warning',
    source: 'FastCGI 1.0, 5.5',
    says: (status: number) => `the application ended with the exit status ${status}`,
  },
  'end.missing': {
    severity: 'error',
    source: 'FastCGI 1.0, 5.5; HAProxy answers 502 before a head',
    says: (id: number, after: string) => `the application closes without END_REQUEST for ${id}${after}`,
  },
  'request.given-up': {
    severity: 'warning',
    source: 'FastCGI 1.0, 5.4',
    says: (id: number) => `the client closes while the request ${id} is under way`,
  },
  'values.unanswered': {
    severity: 'warning',
    source:
      'libfcgi 2.4 answers when more bytes come: HAProxy with option get-values waits for timeout server',
    says: () => 'GET_VALUES has no answer',
  },
} as const satisfies Record<string, Rule>

/** Makes a finding of FastCGI. */
export function findFcgi<Name extends keyof typeof fcgiRules>(
  rule: Name,
  ...seen: Parameters<(typeof fcgiRules)[Name]['says']>
): Finding {
  return findIn(fcgiRules, rule, ...seen)
}
