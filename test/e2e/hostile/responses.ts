/** Responses that are wrong in records that are right: heads, bodies, STDERR. */
import { end, record, reply } from '../../fcgi/support.ts'
import { answer, answerAndClose, bad, cut, fine, flood, hello, short, stdout, whole } from './application.ts'
import type { Hostile } from './application.ts'

const head = 'Status: 201 Yes\r\nA: b\r\n\r\n'

const heads: readonly Hostile[] = [
  ...Array.from({ length: head.length - 1 }, (_, at) => ({
    what: `a head that ends behind ${at + 1} bytes`,
    play: answer((id) => [...stdout(id, head.slice(0, at + 1)), end(id)]),
    ...bad('TRUNCATED_RESPONSE'),
  })),
  ...[
    ['NUL in a name', 'A\0: b'],
    ['NUL in a value', 'A: b\0c'],
    ['CR in a value', 'A: b\rc'],
    ['NUL and another one in a value', 'A: \x01\0'],
    ['a control character in a name', 'A\x01: b'],
    ['a line without a colon', 'A'],
    ['a field without a name', ': b'],
    ['space in a name', 'A B: c'],
    ['space before the colon', 'A : b'],
    ['8-bit letters in a name', '\xc4: b'],
    ['a folded line', 'A: b\r\n c'],
    ['a line that begins with space', ' A: b'],
    ['Transfer-Encoding: gzip', 'Transfer-Encoding: gzip'],
    ['Transfer-Encoding: chunked, chunked', 'Transfer-Encoding: chunked, chunked'],
    ['Transfer-Encoding twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
    ['Transfer-Encoding and Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length: 5'],
    ...['-5', '+5', '5, 6', '5;', '0x5', '5e0', '', '5 5', '18446744073709551621', '9007199254740993'].map(
      (each) => [`Content-Length of '${each}'`, `Content-Length: ${each}`] as const,
    ),
    ['two Content-Length', 'Content-Length: 5\r\nContent-Length: 6'],
  ].map(([what = '', line = '']) => ({ what, play: whole(`${line}\r\n\r\nhello`), ...bad('HEADERS') })),
  ...['abc', '1000', '99', '0', '-200', '2OO', '', '2 00', '0200', '101'].map((status) => ({
    what: `Status of '${status}'`,
    play: whole(`Status: ${status}\r\n\r\nhello`),
    ...bad('STATUS'),
  })),
  { what: 'two Status', play: whole('Status: 200\r\nStatus: 404\r\n\r\n'), ...bad('STATUS') },
  { what: 'a status line', play: whole('HTTP/1.1 200 OK\r\n\r\nhello'), ...bad('NPH') },
  {
    what: 'a head of 70,000 bytes',
    play: answer((id) => [
      ...stdout(id, `A: ${'x'.repeat(60_000)}\r\n`, `B: ${'x'.repeat(10_000)}\r\n\r\n`),
      end(id),
    ]),
    ...bad('HEADERS_LIMIT'),
  },
  {
    what: 'a head without an end',
    play: flood((id) => record('STDOUT', id, 'x'.repeat(60_000))),
    ...bad('HEADERS_LIMIT'),
  },
  { what: '300 fields', play: whole(`${'A: b\r\n'.repeat(300)}\r\nhello`), ...bad('HEADERS_LIMIT') },
  {
    what: '17 informational heads',
    play: whole(`${'Status: 103\r\n\r\n'.repeat(17)}A: b\r\n\r\nhello`),
    ...bad('HEADERS_LIMIT'),
  },
  {
    what: 'informational heads without an end',
    play: flood((id) => record('STDOUT', id, 'Status: 103\r\n\r\n'.repeat(1000))),
    ...bad('HEADERS_LIMIT'),
  },
  {
    what: 'an informational head, and the end',
    play: whole('Status: 100\r\n\r\n'),
    ...bad('TRUNCATED_RESPONSE'),
  },
  { what: 'a head that is empty', play: whole('\n'), library: '200 ', proxy: '200 ' },
  ...[
    ['a control character in a value', 'A: \x01'],
    ['Content-Length as a list', 'Content-Length: 5, 5,5'],
    ['an empty Transfer-Encoding', 'Transfer-Encoding:'],
    ["Status of '200OK'", 'Status: 200OK'],
  ].map(([what = '', line = '']) => ({ what, play: whole(`${line}\r\n\r\nhello`), ...fine })),
  { what: 'lines that end as they like', play: whole('A: b\nC: d\r\nE: \xe4\n\r\nhello'), ...fine },
  {
    what: "fields that are the connection's",
    play: whole('Connection: close, A\r\nKeep-Alive: 1\r\nUpgrade: h2c\r\nTrailer: A\r\nA: b\r\n\r\nhello'),
    ...fine,
  },
]

const chunked = 'Transfer-Encoding: chunked\r\n\r\n'

const bodies: readonly Hostile[] = [
  {
    what: 'Content-Length of more than there is',
    play: whole('Content-Length: 9\r\n\r\nhello'),
    ...short,
  },
  {
    what: 'Content-Length of less than there is',
    play: answer((id) => [...stdout(id, 'Content-Length: 5\n\nhello', 'more'), end(id)]),
    ...fine,
  },
  {
    what: 'a body with 204',
    play: whole('Status: 204\r\nContent-Length: 5\r\n\r\nhello'),
    library: '204 ',
    proxy: '204 ',
  },
  { what: 'a body with 304', play: whole('Status: 304\r\n\r\nhello'), library: '304 ', proxy: '304 ' },
  { what: 'a body for HEAD', method: 'HEAD', play: whole(hello), library: '200 ', proxy: '200 ' },
  { what: 'chunks', play: whole(`${chunked}3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n`), ...fine },
  {
    what: 'chunks and more',
    play: answer((id) => [...stdout(id, `${chunked}5\r\nhello\r\n0\r\n\r\n`, 'more'), end(id)]),
    ...fine,
  },
  {
    what: 'chunks without the last',
    play: whole(`${chunked}5\r\nhello\r\n`),
    ...short,
  },
  { what: 'half a chunk', play: whole(`${chunked}9\r\nhello`), ...short },
  { what: 'Content-Length, and nothing', play: whole('Content-Length: 9\r\n\r\n'), ...short },
  {
    what: 'Content-Length of less than there is, in one record',
    play: answer((id) => [...stdout(id, 'Content-Length: 3\r\n\r\nhello'), end(id)]),
    ...cut('RESPONSE_LENGTH'),
  },
  {
    what: 'a chunk that does not end where it says',
    play: whole(`${chunked}5\r\nhello!\r\n0\r\n\r\n`),
    ...cut('RESPONSE_BODY'),
  },
  ...['zz', '-5', '', ' 5', 'ffffffffffffffffff', `${'0'.repeat(9999)}5`].map((size) => ({
    what: `a chunk of '${size.slice(0, 20)}' bytes`,
    play: whole(`${chunked}${size}\r\nhello\r\n0\r\n\r\n`),
    ...cut('RESPONSE_BODY'),
  })),
]

const stderr: readonly Hostile[] = [
  {
    what: '16 MB of STDERR before the response',
    play: answer((id) => [
      ...Array.from({ length: 256 }, () => record('STDERR', id, 'e'.repeat(65_535))),
      reply(id),
    ]),
    ...fine,
  },
  {
    what: 'empty STDERR, again and again',
    play: answer((id) => [...Array.from({ length: 1000 }, () => record('STDERR', id)), reply(id)]),
    ...fine,
  },
  {
    what: 'STDERR between all bytes',
    play: answer((id) => [
      ...hello
        .split('')
        .flatMap((each) => [record('STDERR', id, '\r\n\x1b[31m\0'), record('STDOUT', id, each)]),
      end(id),
    ]),
    ...fine,
  },
  {
    what: 'STDERR and nothing else',
    play: answer((id) => [record('STDERR', id, 'Primary script unknown'), end(id)]),
    ...bad('EMPTY_RESPONSE'),
  },
  {
    what: 'STDERR, and the end',
    play: answerAndClose((id) => [record('STDERR', id, 'x')]),
    ...bad('CONNECTION_LOST'),
  },
]

/** All of them. */
export const hostileResponses: readonly Hostile[] = [...heads, ...bodies, ...stderr]
