/** Requests and responses written by hand from RFC 9112; none of them was produced by our own code. */

/** What a reader must make of a message. */
export interface Message {
  readonly start: readonly string[]
  readonly headers: readonly (readonly [string, string])[]
  readonly body?: string
  readonly trailers?: readonly (readonly [string, string])[]
}

export interface Good {
  readonly name: string
  readonly raw: string
  readonly message: Message
  /** The method of the request that a response answers. @default GET */
  readonly method?: string
}

export interface Bad {
  readonly name: string
  readonly raw: string
  readonly code: string
  readonly status: number
}

const lines = (...each: string[]): string => `${each.join('\r\n')}\r\n`

export const goodRequests: readonly Good[] = [
  {
    name: 'a plain GET',
    raw: lines('GET /a?b=c HTTP/1.1', 'Host: example.org', 'X-Mixed-Case: One  two ', ''),
    message: {
      start: ['GET', '/a?b=c', '1'],
      headers: [
        ['Host', 'example.org'],
        ['X-Mixed-Case', 'One  two'],
      ],
    },
  },
  {
    name: 'HTTP/1.0 without a host',
    raw: lines('GET / HTTP/1.0', ''),
    message: { start: ['GET', '/', '0'], headers: [] },
  },
  {
    name: 'empty lines before the request',
    raw: lines('', '', 'GET / HTTP/1.1', 'Host: a', ''),
    message: { start: ['GET', '/', '1'], headers: [['Host', 'a']] },
  },
  {
    name: 'an empty value, a value of latin1 bytes, tabs around a value, an empty host',
    raw: lines('GET / HTTP/1.1', 'Host:', 'X-A:', 'X-B: \xe9\xff', 'X-C:\t a\tb \t', ''),
    message: {
      start: ['GET', '/', '1'],
      headers: [
        ['Host', ''],
        ['X-A', ''],
        ['X-B', '\xe9\xff'],
        ['X-C', 'a\tb'],
      ],
    },
  },
  {
    name: 'the same header twice keeps order',
    raw: lines('GET / HTTP/1.1', 'Host: a', 'Cookie: a=1', 'X: 1', 'cookie: b=2', ''),
    message: {
      start: ['GET', '/', '1'],
      headers: [
        ['Host', 'a'],
        ['Cookie', 'a=1'],
        ['X', '1'],
        ['cookie', 'b=2'],
      ],
    },
  },
  {
    name: 'a body of known length',
    raw: `${lines('POST / HTTP/1.1', 'Host: a', 'Content-Length: 11', '')}hello\r\nworl`,
    message: {
      start: ['POST', '/', '1'],
      headers: [
        ['Host', 'a'],
        ['Content-Length', '11'],
      ],
      body: 'hello\r\nworl',
    },
  },
  {
    name: 'a length of zero, with leading zeros',
    raw: lines('POST / HTTP/1.1', 'Host: a', 'Content-Length: 000', ''),
    message: {
      start: ['POST', '/', '1'],
      headers: [
        ['Host', 'a'],
        ['Content-Length', '000'],
      ],
      body: '',
    },
  },
  {
    name: 'a chunked body, both letter cases, leading zeros',
    raw: `${lines('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: Chunked', '')}${lines('a', '0123456789', '00B', 'abcdefghijk', '0', '')}`,
    message: {
      start: ['POST', '/', '1'],
      headers: [
        ['Host', 'a'],
        ['Transfer-Encoding', 'Chunked'],
      ],
      body: '0123456789abcdefghijk',
    },
  },
  {
    name: 'an empty chunked body',
    raw: `${lines('POST / HTTP/1.1', 'Host: a', 'transfer-encoding: chunked', '')}${lines('0', '')}`,
    message: {
      start: ['POST', '/', '1'],
      headers: [
        ['Host', 'a'],
        ['transfer-encoding', 'chunked'],
      ],
      body: '',
    },
  },
  {
    name: 'chunk extensions and trailers',
    raw: `${lines('POST / HTTP/1.1', 'Host: a', 'transfer-encoding: chunked', '')}${lines('3;a=b;c="d \\" e";f', 'abc', '0;last', 'X-Sum: 7', 'Authorization: x', '')}`,
    message: {
      start: ['POST', '/', '1'],
      headers: [
        ['Host', 'a'],
        ['transfer-encoding', 'chunked'],
      ],
      body: 'abc',
      trailers: [['X-Sum', '7']],
    },
  },
  // RFC 9110 section 4.2.3: an empty port is the default port of its scheme, and so is none at all.
  ...(
    [
      ['http://a:/', 'a'],
      ['http://a/', 'a:'],
      ['http://a:/', 'a:80'],
      ['http://a:80/', 'a:'],
      ['https://a:/', 'a:443'],
      ['HTTPS://a:443', 'a'],
      ['http://[::1]:/', '[::1]'],
    ] as const
  ).map(([target, host]) => ({
    name: `the host '${host}' for ${target}`,
    raw: lines(`GET ${target} HTTP/1.1`, `Host: ${host}`, ''),
    message: { start: ['GET', target, '1'], headers: [['Host', host]] as const },
  })),
  {
    name: 'absolute form with the same host',
    raw: lines('GET http://Example.org:80/x HTTP/1.1', 'Host: example.ORG', ''),
    message: { start: ['GET', 'http://Example.org:80/x', '1'], headers: [['Host', 'example.ORG']] },
  },
  {
    name: 'absolute form, IPv6 literal',
    raw: lines('GET http://[::1]:8080?x HTTP/1.1', 'Host: [::1]:8080', ''),
    message: { start: ['GET', 'http://[::1]:8080?x', '1'], headers: [['Host', '[::1]:8080']] },
  },
  {
    name: 'authority form',
    raw: lines('CONNECT example.org:443 HTTP/1.1', 'Host: example.org:443', ''),
    message: { start: ['CONNECT', 'example.org:443', '1'], headers: [['Host', 'example.org:443']] },
  },
  {
    name: 'asterisk form',
    raw: lines('OPTIONS * HTTP/1.1', 'Host: a', ''),
    message: { start: ['OPTIONS', '*', '1'], headers: [['Host', 'a']] },
  },
  {
    name: 'a method with token characters of all kinds',
    raw: lines("M-SEARCH!#$%&'*+.^_`|~9 / HTTP/1.1", 'Host: a', "x!#$%&'*+.^_`|~9: y", ''),
    message: {
      start: ["M-SEARCH!#$%&'*+.^_`|~9", '/', '1'],
      headers: [
        ['Host', 'a'],
        ["x!#$%&'*+.^_`|~9", 'y'],
      ],
    },
  },
]

const post = (...headers: string[]): string => lines('POST / HTTP/1.1', 'Host: a', ...headers, '')
const chunked = (...each: string[]): string => post('Transfer-Encoding: chunked') + each.join('\r\n')
const bad = (name: string, raw: string, code: string, status = 400): Bad => ({
  name,
  raw,
  code: `ERR_HTTP1_${code}`,
  status,
})

export const badRequests: readonly Bad[] = [
  bad(
    'content-length and transfer-encoding',
    post('Content-Length: 5', 'Transfer-Encoding: chunked'),
    'FRAMING',
  ),
  bad('the same, the other way round', post('Transfer-Encoding: chunked', 'Content-Length: 5'), 'FRAMING'),
  bad('two lengths that differ', post('Content-Length: 5', 'Content-Length: 6'), 'CONTENT_LENGTH'),
  bad('two lengths that are equal', post('Content-Length: 5', 'content-length: 5'), 'CONTENT_LENGTH'),
  bad('a list of lengths', post('Content-Length: 5, 5'), 'CONTENT_LENGTH'),
  bad('a length with a plus', post('Content-Length: +5'), 'CONTENT_LENGTH'),
  bad('a length with a minus', post('Content-Length: -5'), 'CONTENT_LENGTH'),
  bad('a length with a space', post('Content-Length: 1 5'), 'CONTENT_LENGTH'),
  bad('a length in hexadecimal', post('Content-Length: 0x5'), 'CONTENT_LENGTH'),
  bad('a length with a fraction', post('Content-Length: 5.0'), 'CONTENT_LENGTH'),
  bad('a length with a vertical tab', post('Content-Length: \x0b5'), 'HEADER_VALUE'),
  bad('an empty length', post('Content-Length:'), 'CONTENT_LENGTH'),
  bad('a length beyond 2^53', post('Content-Length: 9007199254740992'), 'CONTENT_LENGTH'),
  bad('a length beyond 2^64', post('Content-Length: 18446744073709551621'), 'CONTENT_LENGTH'),
  bad('chunked is not last', post('Transfer-Encoding: chunked, gzip'), 'TRANSFER_ENCODING'),
  bad('chunked twice', post('Transfer-Encoding: chunked, chunked'), 'TRANSFER_ENCODING'),
  bad(
    'chunked in two headers',
    post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    'TRANSFER_ENCODING',
  ),
  bad('identity', post('Transfer-Encoding: identity'), 'TRANSFER_ENCODING'),
  bad('an unknown coding', post('Transfer-Encoding: xchunked'), 'TRANSFER_ENCODING'),
  bad('chunked with a parameter', post('Transfer-Encoding: chunked;q=1'), 'TRANSFER_ENCODING'),
  bad('chunked in quotes', post('Transfer-Encoding: "chunked"'), 'TRANSFER_ENCODING'),
  bad('a vertical tab before chunked', post('Transfer-Encoding: \x0bchunked'), 'HEADER_VALUE'),
  bad('an empty transfer-encoding', post('Transfer-Encoding:'), 'TRANSFER_ENCODING'),
  bad('another coding before chunked', post('Transfer-Encoding: gzip, chunked'), 'TRANSFER_CODING', 501),
  bad('an empty coding before chunked', post('Transfer-Encoding: , chunked'), 'TRANSFER_CODING', 501),
  bad('chunked in HTTP/1.0', lines('POST / HTTP/1.0', 'Transfer-Encoding: chunked', ''), 'TRANSFER_ENCODING'),
  bad('a folded header', post('X: a', ' b'), 'LINE_FOLDING'),
  bad('a folded header with a tab', post('X: a', '\tb'), 'LINE_FOLDING'),
  bad('white space before the first header', lines('GET / HTTP/1.1', ' Host: a', ''), 'LINE_FOLDING'),
  bad('a space before the colon', post('X : a'), 'HEADER_NAME'),
  bad('a tab before the colon', post('Transfer-Encoding\t: chunked'), 'HEADER_NAME'),
  bad('a space in a name', post('X Y: a'), 'HEADER_NAME'),
  bad('an empty name', post(': a'), 'HEADER_NAME'),
  bad('no colon', post('X'), 'HEADER_NAME'),
  bad('a parenthesis in a name', post('X(: a'), 'HEADER_NAME'),
  bad('a latin1 letter in a name', post('X\xe9: a'), 'HEADER_NAME'),
  bad('NUL in a name', post('X\0: a'), 'HEADER_NAME'),
  bad('NUL in a value', post('X: a\0b'), 'HEADER_VALUE'),
  bad('DEL in a value', post('X: a\x7f'), 'HEADER_VALUE'),
  bad('a bare CR in a value', post('X: a\rb'), 'LINE_END'),
  bad('a bare LF in a value', post('X: a\nY: b'), 'LINE_END'),
  bad('lines that end with LF', 'GET / HTTP/1.1\nHost: a\n\n', 'LINE_END'),
  bad('LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 'LINE_END'),
  bad('CR CR LF', 'GET / HTTP/1.1\r\r\nHost: a\r\n\r\n', 'LINE_END'),
  bad('LF before the request', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 'METHOD'),
  bad('a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'HEADER_VALUE'),
  bad('no method', lines(' / HTTP/1.1', 'Host: a', ''), 'METHOD'),
  bad('a separator in the method', lines('G@T / HTTP/1.1', 'Host: a', ''), 'METHOD'),
  bad('a tab after the method', lines('GET\t/ HTTP/1.1', 'Host: a', ''), 'METHOD'),
  bad('two spaces after the method', lines('GET  / HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('a space in the target', lines('GET /a b HTTP/1.1', 'Host: a', ''), 'REQUEST_LINE'),
  bad('two spaces after the target', lines('GET /  HTTP/1.1', 'Host: a', ''), 'REQUEST_LINE'),
  bad('a space after the version', lines('GET / HTTP/1.1 ', 'Host: a', ''), 'HEADER_VALUE'),
  bad('a fragment', lines('GET /#x HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('a latin1 letter in the target', lines('GET /\xe9 HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('NUL in the target', lines('GET /\0 HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('a relative target', lines('GET abc HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('an asterisk for GET', lines('GET * HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('CONNECT with a path', lines('CONNECT / HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('CONNECT without a port', lines('CONNECT a HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('CONNECT to another host', lines('CONNECT b:80 HTTP/1.1', 'Host: a', ''), 'HOST'),
  bad('CONNECT to another port', lines('CONNECT a:81 HTTP/1.1', 'Host: a:80', ''), 'HOST'),
  bad('CONNECT to a port that Host leaves out', lines('CONNECT a:8080 HTTP/1.1', 'Host: a', ''), 'HOST'),
  bad('CONNECT with an empty Host', lines('CONNECT a:80 HTTP/1.1', 'Host:', ''), 'HOST'),
  bad(
    'CONNECT with a length',
    lines('CONNECT a:80 HTTP/1.1', 'Host: a:80', 'Content-Length: 4', '', 'GET '),
    'CONTENT_LENGTH',
  ),
  bad(
    'CONNECT with the length 0',
    lines('CONNECT a:80 HTTP/1.1', 'Host: a:80', 'Content-Length: 0', ''),
    'CONTENT_LENGTH',
  ),
  bad(
    'CONNECT with chunks',
    lines('CONNECT a:80 HTTP/1.1', 'Host: a:80', 'Transfer-Encoding: chunked', '', '0', ''),
    'TRANSFER_ENCODING',
  ),
  bad('GET with an authority', lines('GET a:80 HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('an absolute form with no authority', lines('GET http:///x HTTP/1.1', 'Host:', ''), 'TARGET'),
  bad('user information in the target', lines('GET http://u@a/ HTTP/1.1', 'Host: a', ''), 'TARGET'),
  bad('no version', lines('GET /', ''), 'REQUEST_LINE'),
  bad('another protocol', lines('GET / HTXP/1.1', 'Host: a', ''), 'REQUEST_LINE'),
  bad('a protocol in lower case', lines('GET / http/1.1', 'Host: a', ''), 'REQUEST_LINE'),
  bad('a version of two digits', lines('GET / HTTP/1.10', 'Host: a', ''), 'HEADER_VALUE'),
  bad('HTTP/1.2', lines('GET / HTTP/1.2', 'Host: a', ''), 'VERSION', 505),
  bad('HTTP/0.9', lines('GET / HTTP/0.9', ''), 'VERSION', 505),
  bad('the preface of HTTP/2', lines('PRI * HTTP/2.0', '', 'SM', ''), 'VERSION', 505),
  bad('no host in HTTP/1.1', lines('GET / HTTP/1.1', 'X: a', ''), 'HOST'),
  bad('two hosts', lines('GET / HTTP/1.1', 'Host: a', 'Host: b', ''), 'HOST'),
  bad('two equal hosts', lines('GET / HTTP/1.1', 'Host: a', 'host: a', ''), 'HOST'),
  bad('a host with a path', lines('GET / HTTP/1.1', 'Host: a/b', ''), 'HOST'),
  bad('a host with user information', lines('GET / HTTP/1.1', 'Host: u@a', ''), 'HOST'),
  bad('a host with a space', lines('GET / HTTP/1.1', 'Host: a b', ''), 'HOST'),
  bad('a host with two ports', lines('GET / HTTP/1.1', 'Host: a:1:2', ''), 'HOST'),
  bad('a host with a port of letters', lines('GET / HTTP/1.1', 'Host: a:x', ''), 'HOST'),
  ...(
    [
      ['http://a/', 'b'],
      ['http://a:/', 'b'],
      ['http://a:/', ''],
      ['http://a:80/', 'a:81'],
      ['http://a:/', 'a:443'],
      ['https://a:/', 'a:80'],
      ['http://a:80/', 'a:8'],
      ['http://a:8080/', 'a'],
      ['http://[::1]:/', '[::2]'],
      ['http://a/', 'a.'],
    ] as const
  ).map(([target, host]) =>
    bad(`the host '${host}' for ${target}`, lines(`GET ${target} HTTP/1.1`, `Host: ${host}`, ''), 'HOST'),
  ),
  bad('a chunk size that is not hexadecimal', chunked('g', 'x'), 'CHUNK_SIZE'),
  bad('a chunk size with 0x', chunked('0x3', 'abc', '0', '', ''), 'CHUNK_SIZE'),
  bad('a chunk size with a sign', chunked('+3', 'abc'), 'CHUNK_SIZE'),
  bad('an empty chunk size', chunked('', 'abc'), 'CHUNK_SIZE'),
  bad('a chunk extension without a size', chunked(';a', 'abc'), 'CHUNK_SIZE'),
  bad('a space after the chunk size', chunked('3 ', 'abc'), 'CHUNK_SIZE'),
  bad('a space before the chunk size', chunked(' 3', 'abc'), 'CHUNK_SIZE'),
  bad('a chunk size beyond 2^53', chunked('20000000000000', ''), 'CHUNK_SIZE'),
  bad('a chunk size that wraps at 2^64', chunked('10000000000000003', 'abc'), 'CHUNK_SIZE'),
  bad('seventeen digits', chunked('00000000000000003', 'abc'), 'CHUNK_SIZE'),
  bad('LF after the chunk size', `${chunked()}3\nabc\r\n0\r\n\r\n`, 'CHUNK_SIZE'),
  bad('CR alone after the chunk size', `${chunked()}3\rabc\r\n0\r\n\r\n`, 'CHUNK_SIZE'),
  bad('LF in a chunk extension', `${chunked()}3;a\nabc\r\n0\r\n\r\n`, 'CHUNK_EXTENSION'),
  bad('NUL in a chunk extension', chunked('3;\0', 'abc'), 'CHUNK_EXTENSION'),
  bad('a chunk extension without a name', chunked('3;', 'abc'), 'CHUNK_EXTENSION'),
  bad('a chunk extension that ends in a semicolon', chunked('3;a;', 'abc'), 'CHUNK_EXTENSION'),
  bad('two semicolons in a chunk extension', chunked('3;a;;b', 'abc'), 'CHUNK_EXTENSION'),
  bad('a chunk extension without a value', chunked('3;a=', 'abc'), 'CHUNK_EXTENSION'),
  bad('a separator in a chunk extension', chunked('3;a/b', 'abc'), 'CHUNK_EXTENSION'),
  bad('a space in a chunk extension', chunked('3;a =b', 'abc'), 'CHUNK_EXTENSION'),
  bad('a quote in a chunk extension', chunked('3;a=b"c"', 'abc'), 'CHUNK_EXTENSION'),
  bad('a quote that does not end', chunked('3;a="b', 'abc'), 'CHUNK_EXTENSION'),
  bad('an escaped line end in quotes', chunked('3;a="\\\n"', 'abc'), 'CHUNK_EXTENSION'),
  bad('something after the quotes', chunked('3;a="b"c', 'abc'), 'CHUNK_EXTENSION'),
  bad('endless chunk extensions', chunked(`3;${'a'.repeat(16_385)}`), 'CHUNK_EXTENSION'),
  bad(
    'endless chunk extensions, one byte a chunk',
    chunked(...Array.from({ length: 6000 }, () => `1;abc\r\nx`)),
    'CHUNK_EXTENSION',
  ),
  bad('more data than the size', chunked('3', 'abcd', '0', '', ''), 'CHUNK_END'),
  bad('LF after the data', `${chunked()}3\r\nabc\n0\r\n\r\n`, 'CHUNK_END'),
  bad('CR CR after the data', `${chunked()}3\r\nabc\r\r\n0\r\n\r\n`, 'CHUNK_END'),
  bad('CR without LF at the end', `${chunked('0', '')}\rX`, 'TRAILER'),
  bad('a trailer with a space before the colon', chunked('0', 'X : 1', '', ''), 'TRAILER'),
  bad('a trailer that is folded', chunked('0', 'X: 1', ' 2', '', ''), 'TRAILER'),
  bad('a trailer with a bare LF', chunked('0', 'X: 1\nY: 2', '', ''), 'TRAILER'),
  ...['Content-Length: 5', 'Transfer-Encoding: chunked', 'Host: b', 'HOST: a', 'host:'].map((line) =>
    bad(`a trailer that changes framing or route: ${line}`, chunked('0', line, '', ''), 'TRAILER'),
  ),
  bad('too many trailers', chunked('0', ...Array.from({ length: 102 }, () => 'X: 1'), '', ''), 'TRAILER'),
  bad('too large a trailer section', chunked('0', `X: ${'a'.repeat(16_384)}`, '', ''), 'TRAILER'),
  bad('too large a head', post(`X: ${'a'.repeat(16_384)}`), 'HEAD_TOO_LARGE', 431),
  bad('too large a head, not ended', `GET /${'a'.repeat(16_384)}`, 'HEAD_TOO_LARGE', 431),
  bad('too many headers', post(...Array.from({ length: 101 }, () => 'X: 1')), 'TOO_MANY_HEADERS', 431),
]

export const goodResponses: readonly Good[] = [
  {
    name: 'a body of known length',
    raw: `${lines('HTTP/1.1 200 OK', 'Content-Length: 2', '')}hi`,
    message: { start: ['1', '200', 'OK'], headers: [['Content-Length', '2']], body: 'hi' },
  },
  {
    name: 'no reason, and no space before it',
    raw: lines('HTTP/1.1 404', 'Content-Length: 0', ''),
    message: { start: ['1', '404', ''], headers: [['Content-Length', '0']], body: '' },
  },
  {
    name: 'an empty reason, and one with spaces and latin1',
    raw: lines('HTTP/1.0 299 ', 'Content-Length: 0', ''),
    message: { start: ['0', '299', ''], headers: [['Content-Length', '0']], body: '' },
  },
  {
    name: 'a reason with spaces, a tab and latin1',
    raw: lines('HTTP/1.1 500 Es ging\tschief: \xfc', 'Content-Length: 0', ''),
    message: { start: ['1', '500', 'Es ging\tschief: \xfc'], headers: [['Content-Length', '0']], body: '' },
  },
  {
    name: 'chunked',
    raw: `${lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '')}${lines('1', 'a', '0', 'T: 1', '')}`,
    message: {
      start: ['1', '200', 'OK'],
      headers: [['Transfer-Encoding', 'chunked']],
      body: 'a',
      trailers: [['T', '1']],
    },
  },
  {
    name: 'an answer to HEAD has no body',
    method: 'HEAD',
    raw: lines('HTTP/1.1 200 OK', 'Content-Length: 200', ''),
    message: { start: ['1', '200', 'OK'], headers: [['Content-Length', '200']], body: '' },
  },
  {
    name: '304 has no body',
    raw: lines('HTTP/1.1 304 Not Modified', 'Content-Length: 200', ''),
    message: { start: ['1', '304', 'Not Modified'], headers: [['Content-Length', '200']], body: '' },
  },
  {
    name: '204 has no body',
    raw: lines('HTTP/1.1 204 No Content', 'Transfer-Encoding: chunked', ''),
    message: { start: ['1', '204', 'No Content'], headers: [['Transfer-Encoding', 'chunked']], body: '' },
  },
  {
    name: '100 has no body',
    raw: lines('HTTP/1.1 100 Continue', ''),
    message: { start: ['1', '100', 'Continue'], headers: [], body: '' },
  },
  {
    name: 'a CONNECT that succeeded has no body',
    method: 'CONNECT',
    raw: lines('HTTP/1.1 200 OK', 'Content-Length: 5', ''),
    message: { start: ['1', '200', 'OK'], headers: [['Content-Length', '5']], body: '' },
  },
]

export const badResponses: readonly Bad[] = [
  bad('not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'STATUS_LINE', 502),
  bad('ICY', lines('ICY 200 OK', ''), 'STATUS_LINE', 502),
  bad('two digits', lines('HTTP/1.1 20 OK', ''), 'STATUS_LINE', 502),
  bad('four digits', lines('HTTP/1.1 2000 OK', ''), 'STATUS_LINE', 502),
  bad('a status below 100', lines('HTTP/1.1 099 OK', ''), 'STATUS_LINE', 502),
  bad('two spaces', lines('HTTP/1.1  200 OK', ''), 'STATUS_LINE', 502),
  bad('letters', lines('HTTP/1.1 2x0 OK', ''), 'STATUS_LINE', 502),
  bad('HTTP/2', lines('HTTP/2.0 200 OK', ''), 'VERSION', 505),
  bad('a bare CR in the reason', lines('HTTP/1.1 200 O\rK', ''), 'LINE_END'),
  bad('a NUL in the reason', lines('HTTP/1.1 200 O\0K', ''), 'HEADER_VALUE'),
  bad(
    'both framings',
    lines('HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked', ''),
    'FRAMING',
  ),
  bad(
    'two lengths',
    lines('HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2', ''),
    'CONTENT_LENGTH',
  ),
  bad('gzip without chunked', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip', ''), 'TRANSFER_ENCODING'),
]
