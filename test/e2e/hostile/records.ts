/** Records that are wrong, in their header, their order or their number. */
import { end, pair, record, reply } from '../../fcgi/support.ts'
import { answer, answerAndClose, bad, cut, fine, hello, late, lying, stdout, version } from './application.ts'
import type { Hostile } from './application.ts'

const gatewayRecords = ['BEGIN', 'ABORT', 'PARAMS', 'STDIN', 'DATA', 'GET_VALUES']

const records: readonly Hostile[] = [
  ...[0, 2, 255].map((value) => ({
    what: `version ${value}`,
    play: answer((id) => [version(reply(id), value)]),
    ...bad('VERSION'),
  })),
  {
    what: 'another version within a response',
    play: answer((id) => [...stdout(id, hello), version(end(id), 2)]),
    ...cut('VERSION'),
  },
  { what: 'HTTP', play: answer(() => [Buffer.from('HTTP/1.1 200 OK\r\n\r\nhello')]), ...bad('VERSION') },
  { what: 'zeroes', play: answer(() => [Buffer.alloc(65_536)]), ...bad('VERSION') },
  { what: 'a byte that is repeated', play: answer(() => [Buffer.alloc(1_000_000, 1)]), ...bad('PROTOCOL') },
  ...[0, 12, 127, 255].map((type) => ({
    what: `records of type ${type}, for the request and for nobody`,
    play: answer((id) => [record(type, id, 'what', 3), record(type, 0, 'what'), record(type, 0), reply(id)]),
    ...fine,
  })),
  ...gatewayRecords.map((type) => ({
    what: `${type} from the application`,
    play: answer((id) => [record(type, id, 'x')]),
    ...bad('PROTOCOL'),
  })),
  ...gatewayRecords.map((type) => ({
    what: `${type} for id 0`,
    play: answer(() => [record(type, 0, 'x')]),
    ...bad('PROTOCOL'),
  })),
  {
    what: 'padding of 255 everywhere',
    play: answer((id) => [
      record('STDOUT', id, hello, 255),
      record('STDOUT', id, '', 255),
      record('END', id, Buffer.alloc(8), 255),
    ]),
    ...fine,
  },
  {
    what: 'content of 65535 with padding of 255',
    play: answer((id) => [record('STDOUT', id, Buffer.from(`\n${'y'.repeat(65_534)}`), 255), end(id)]),
    library: '200 65534 bytes',
    proxy: '200 65534 bytes',
  },
  {
    what: 'padding that is no zeroes',
    play: answer((id) => [
      ...stdout(id, hello),
      Buffer.concat([record('STDOUT', id, '', 8).subarray(0, 8), end(id).subarray(0, 8)]),
      end(id),
    ]),
    ...fine,
  },
  { what: 'reserved bytes that are set', play: answer((id) => [...reservedSet(id)]), ...fine },
  {
    what: 'a thousand empty records for nobody',
    play: answer((id) => [...Array.from({ length: 1000 }, () => record('VALUES', 0)), reply(id)]),
    ...fine,
  },
  ...[1, 2, 3, 4, 5, 6, 7].map((size) => ({
    what: `${size} bytes of a header, and the end`,
    play: answerAndClose((id) => [end(id).subarray(0, size)]),
    ...bad('CONNECTION_LOST'),
  })),
  {
    what: 'half a record, and the end',
    play: answerAndClose((id) => [record('STDOUT', id, hello).subarray(0, 12)]),
    ...bad('CONNECTION_LOST'),
  },
  {
    what: 'the end within padding',
    play: answerAndClose((id) => [record('STDOUT', id, hello, 9).subarray(0, -3)]),
    ...bad('CONNECTION_LOST'),
  },
  {
    what: 'half a record, and nothing',
    play: answer((id) => [record('STDOUT', id, hello).subarray(0, 12)]),
    ...late,
  },
  {
    what: 'a length beyond what comes',
    play: answer((id) => [lying('STDOUT', id, hello, 60_000), end(id)]),
    ...late,
  },
  {
    what: 'a length that is less',
    play: answer((id) => [lying('STDOUT', id, hello, 8), end(id)]),
    ...cut('VERSION'),
  },
  {
    what: 'one byte a record',
    play: answer((id) => [...hello.split('').map((each) => record('STDOUT', id, each, 7)), end(id)]),
    ...fine,
  },
]

function reservedSet(id: number): Buffer[] {
  const all = [record('STDOUT', id, hello), record('STDOUT', id), end(id)]
  for (const each of all) each[7] = 255
  all[2]?.fill(255, 13)
  return all
}

const ids: readonly Hostile[] = [
  ...['STDOUT', 'STDERR'].map((type) => ({
    what: `${type} for id 0`,
    play: answer(() => [record(type, 0, 'x')]),
    ...bad('PROTOCOL'),
  })),
  { what: 'END_REQUEST for id 0', play: answer(() => [end(0)]), ...bad('PROTOCOL') },
  { what: 'all of it for another id', play: answer((id) => [reply(id + 2)]), ...late },
  {
    what: 'all of it for another id, and the end',
    play: answerAndClose((id) => [reply(id ^ 2)]),
    ...bad('CONNECTION_LOST'),
  },
  {
    what: 'a response between that of another id',
    play: answer((id) => [record('STDOUT', 65_535, 'not yours'), ...stdout(id, hello), end(65_535), end(id)]),
    ...fine,
  },
  {
    what: 'END_REQUEST of others first',
    play: answer((id) => [end(id + 1), end(id + 2), end(65_535), reply(id)]),
    ...fine,
  },
]

const management: readonly Hostile[] = [
  {
    what: 'GET_VALUES_RESULT unasked',
    play: answer((id) => [record('VALUES', 0, pair('FCGI_MPXS_CONNS', '1')), record('VALUES', 0), reply(id)]),
    ...fine,
  },
  ...['0', '-1', '1e9', 'abc', '', '99999999999999999999'].map((value) => ({
    what: `FCGI_MAX_REQS of '${value}'`,
    play: answer((id) => [
      record('VALUES', 0, pair('FCGI_MAX_REQS', value) + pair('FCGI_MPXS_CONNS', 'x')),
      reply(id),
    ]),
    ...fine,
  })),
  {
    what: 'GET_VALUES_RESULT for the request',
    play: answer((id) => [record('VALUES', id, 'x'), reply(id)]),
    ...fine,
  },
  {
    what: 'GET_VALUES_RESULT that goes beyond its record',
    play: answer(() => [record('VALUES', 0, '\x7f\x7fa')]),
    ...bad('TRUNCATED'),
  },
  {
    what: 'GET_VALUES_RESULT with lengths of two gigabytes',
    play: answer(() => [record('VALUES', 0, '\xff\xff\xff\xff\xff\xff\xff\xffa')]),
    ...bad('TRUNCATED'),
  },
  {
    what: 'UNKNOWN_TYPE unasked',
    play: answer((id) => [record('UNKNOWN', 0, Buffer.alloc(8)), record('UNKNOWN', id, 'x'), reply(id)]),
    ...fine,
  },
  {
    what: 'UNKNOWN_TYPE that is short',
    play: answer((id) => [record('UNKNOWN', 0, 'x'), reply(id)]),
    ...fine,
  },
]

const ends: readonly Hostile[] = [
  { what: 'END_REQUEST alone', play: answer((id) => [end(id)]), ...bad('EMPTY_RESPONSE') },
  ...[0, 3, 7, 9, 65_535].map((size) => ({
    what: `END_REQUEST of ${size} bytes`,
    play: answer((id) => [record('END', id, Buffer.alloc(size))]),
    ...bad('BODY_SIZE'),
  })),
  {
    what: 'END_REQUEST of three bytes behind a response',
    play: answer((id) => [...stdout(id, hello, ''), record('END', id, 'abc')]),
    ...fine,
  },
  { what: 'two of them', play: answer((id) => [reply(id), end(id), end(id, 2)]), ...fine },
  {
    what: 'STDOUT and STDERR behind it',
    play: answer((id) => [reply(id), ...stdout(id, 'late', hello), record('STDERR', id, 'late')]),
    ...fine,
  },
  {
    what: 'the response behind it',
    play: answer((id) => [end(id), ...stdout(id, hello, '')]),
    ...bad('EMPTY_RESPONSE'),
  },
  {
    what: 'STDOUT behind its end',
    play: answer((id) => [...stdout(id, hello, '', 'late'), end(id)]),
    ...fine,
  },
  {
    what: 'many ends of STDOUT',
    play: answer((id) => [...stdout(id, hello, '', '', ''), record('STDERR', id), end(id)]),
    ...fine,
  },
  ...[4, 255].map((status) => ({
    what: `protocol status ${status}`,
    play: answer((id) => [end(id, status)]),
    ...bad('PROTOCOL_STATUS'),
  })),
  ...(['CANT_MPX_CONN', 'OVERLOADED', 'UNKNOWN_ROLE'] as const).map((name, at) => ({
    what: `${name}, always`,
    play: answer((id) => [end(id, at + 1)]),
    library: `ERR_FCGI_${name}`,
    proxy: '503',
  })),
  {
    what: 'a refusal behind the response',
    play: answer((id) => [...stdout(id, hello), end(id, 2)]),
    ...fine,
  },
  {
    what: 'the greatest appStatus',
    play: answer((id) => [...stdout(id, hello), record('END', id, Buffer.from('ffffffff00000000', 'hex'))]),
    ...fine,
  },
  {
    what: 'no END_REQUEST, but the end',
    play: answerAndClose((id) => stdout(id, 'Content-Length: 5\n\nhello')),
    ...fine,
  },
  { what: 'no END_REQUEST, and nothing', play: answer((id) => stdout(id, hello, '')), ...fine, silent: true },
  {
    what: 'no end of any kind',
    play: answer((id) => stdout(id, hello)),
    library: '200 cut ERR_FCGI_RESPONSE_TIMEOUT',
    proxy: '200 cut',
    silent: true,
  },
  {
    what: 'half a header behind it',
    stands: true,
    play: answer((id) => [reply(id), end(id).subarray(0, 4)]),
    ...fine,
  },
  {
    what: "a gateway's record behind it",
    play: answer((id) => [reply(id), record('STDIN', 0, 'x')]),
    ...fine,
  },
]

/** All of them. */
export const hostileRecords: readonly Hostile[] = [...records, ...ids, ...management, ...ends]
