/**
 * When a condition of `tcp-request content` is decided while a client sends piece by piece: captured from HAProxy
 * 2.6.12, which test/parity/sample-waiting.test.ts asks again.
 */

import { clientHelloRecord } from './client-hello.ts'

/** `pass 2`: matches as soon as the second piece is there; `fail end`: does not, which is known when no more can come. */
export type Outcome = `${'pass' | 'fail'} ${number | 'end'}`

/** What a client sends, and what becomes of conditions. */
export interface WaitingGroup {
  readonly pieces: readonly string[]
  readonly outcomes: readonly (readonly [condition: string, outcome: Outcome])[]
}

/** ACLs that the conditions use, with several lines. */
export const declared: readonly string[] = [
  'mixed req.payload(0,2) -m str AB',
  'mixed req.payload(0,4) -m str ABCD',
  'mixed src 192.0.2.1',
  'settled src 192.0.2.1',
  'settled dst_port 1',
]

/** Files that the conditions name: a converter that finds nothing takes the sample away, not the reason to wait. */
export const waitingFiles = { 'numbers.map': 'x 1\n' }

const cut = (bytes: Buffer, ...at: readonly number[]): string[] =>
  [0, ...at].map((from, index) => bytes.toString('latin1', from, at[index]))

const helloPieces = cut(
  clientHelloRecord({ serverName: 'example.test', protocols: ['h2', 'http/1.1'], ticket: '' }),
  1,
  4,
  60,
  130,
)

const barePieces = cut(clientHelloRecord({ curves: false }), 9, 70)

/** Samples of each kind, and how their verdicts combine. */
export const waitingGroups: readonly WaitingGroup[] = [
  {
    pieces: ['A', 'B', 'C', 'D', 'E'],
    outcomes: [
      ['if { req.payload(0,3) -m str ABC }', 'pass 3'],
      ['if { req.payload(0,3) -m str BAD }', 'fail 3'],
      ['unless { req.payload(0,3) -m str BAD }', 'pass 3'],
      ['unless { req.payload(0,3) -m str ABC }', 'fail 3'],
      ['if { req.payload(1,2) -m str BC }', 'pass 3'],
      ['if { req.payload(1,2) -m str BX }', 'fail 3'],
      ['if { req.payload(2,9) -m str X }', 'fail end'],
      ['if { req.payload(2,9) -m found }', 'fail end'],
      ['if { req.payload(0,3) -m found }', 'pass 3'],
      ['if !{ req.payload(0,3) -m found }', 'fail 3'],
      ['if { req.payload(0,0) -m beg ABC }', 'pass 3'],
      ['if { req.payload(0,0) -m beg X }', 'fail end'],
      ['if { req.payload(2,0) -m str CD }', 'pass 4'],
      ['if { req.payload(9,0) -m found }', 'fail end'],
      ['if { req.payload(0,3),lower -m str abc }', 'pass 3'],
      ['if { req.payload(0,3),lower -m str ABC }', 'fail 3'],
      ['if { req.payload(0,3),map_str_int(numbers.map) -m found }', 'fail 3'],
      ['if { req.payload(0,0),map_str_int(numbers.map) -m found }', 'fail end'],
      ['if { req.payload(0,16385) -m found }', 'fail 1'],
      ['if { req.payload(16000,385) -m found }', 'fail 1'],
      ['if { req.payload(0,16384) -m found }', 'fail end'],
      ['if { req.len gt 2 }', 'pass 3'],
      ['if { req.len lt 3 }', 'pass 1'],
      ['if { req.len gt 20 }', 'fail end'],
      ['if !{ req.len gt 2 }', 'fail 3'],
      ['if !{ req.len gt 20 }', 'pass end'],
      ['if { req.len -m found }', 'pass 1'],
      ['if WAIT_END', 'pass end'],
      ['if !WAIT_END', 'fail end'],
      ['if { always_false }', 'fail 1'],
      ['if { always_true }', 'pass 1'],
      ['if { src 192.0.2.1 }', 'fail 1'],
      ['if { date lt 1 }', 'fail end'],
      ['if { date gt 1 }', 'pass 1'],
      ['if { rand(1) 1 }', 'fail end'],
      ['if { uuid -m str x }', 'fail end'],
      ['if { date_us lt 0 }', 'fail end'],
      ['if { var(txn.none) -m found }', 'fail 1'],
      ['if { fe_id 0 }', 'fail 1'],
      ['if { status 200 }', 'fail 1'],
      ['if mixed', 'pass 2'],
      ['if !mixed', 'fail 2'],
      ['if settled', 'fail 1'],
      ['if !settled', 'pass 1'],
      ['if { req.len gt 2 } { req.payload(0,1) -m str X }', 'fail 3'],
      ['if { req.payload(0,1) -m str X } { req.len gt 2 }', 'fail 1'],
      ['if { req.len gt 9 } { req.payload(0,1) -m str X }', 'fail end'],
      ['if { req.len gt 2 } { req.payload(0,1) -m str A }', 'pass 3'],
      ['if { req.len gt 9 } or { req.payload(0,2) -m str AB }', 'pass 2'],
      ['if { req.payload(0,2) -m str XX } or { req.payload(0,4) -m str ABCD }', 'pass 4'],
      ['if { req.payload(0,2) -m str XX } or { req.payload(0,4) -m str XXXX }', 'fail 4'],
      ['if { req.payload(0,4) -m str XXXX } or { req.payload(0,2) -m str XX }', 'fail 4'],
      ['if { req.payload(0,2) -m str AB } !{ req.payload(0,4) -m str XXXX }', 'pass 4'],
      ['unless { req.payload(0,2) -m str AB } { req.payload(0,4) -m str ABCD }', 'fail 4'],
      ['if WAIT_END { req.len 5 }', 'pass end'],
      ['if { req.len 5 } WAIT_END', 'pass end'],
      ['if HTTP', 'fail end'],
      ['if !HTTP', 'pass end'],
      ['if { path /a }', 'fail end'],
      ['unless { path /a }', 'pass end'],
      ['if { method GET }', 'fail end'],
    ],
  },
  {
    pieces: ['GE', 'T /a?b=1 HTT', 'P/1.1\r\nHost: h\r\nX-A: 1,2\r\nCook', 'ie: c=d\r\n\r\n', 'more'],
    outcomes: [
      ['if HTTP', 'pass 4'],
      ['unless HTTP', 'fail 4'],
      ['if { req.proto_http }', 'pass 4'],
      ['if { path /a }', 'pass 4'],
      ['if { path /b }', 'fail 4'],
      ['unless { path /b }', 'pass 4'],
      ['if { pathq /a?b=1 }', 'pass 4'],
      ['if { query b=1 }', 'pass 4'],
      ['if { url /b }', 'fail 4'],
      ['if { url_param(b) 1 }', 'pass 4'],
      ['if { url_param(c) 1 }', 'fail 4'],
      ['if { urlp_val(b) gt 1 }', 'fail 4'],
      ['if { method GET }', 'pass 4'],
      ['if { method POST }', 'fail 4'],
      ['if METH_GET', 'pass 4'],
      ['if { req.ver 1.1 }', 'pass 4'],
      ['if HTTP_1.0', 'fail 4'],
      ['if { base h/a }', 'pass 4'],
      ['if { base32 1 }', 'fail 4'],
      ['if { hdr(x-a) 2 }', 'pass 4'],
      ['if { hdr(x-a) 3 }', 'fail 4'],
      ['if { hdr(x-b) -m found }', 'fail 4'],
      ['if { req.fhdr(x-a) 1,2 }', 'pass 4'],
      ['if { req.hdr_cnt(x-a) 2 }', 'pass 4'],
      ['if { req.hdr_val(x-a) 7 }', 'fail 4'],
      ['if { req.hdr_ip(x-a) 192.0.2.1 }', 'fail 4'],
      ['if { req.hdrs -m sub x-b }', 'fail 4'],
      ['if { req.hdrs_bin -m sub x-b }', 'fail 4'],
      ['if { cook(c) d }', 'pass 4'],
      ['if { req.cook(c) e }', 'fail 4'],
      ['if { cook_cnt(c) 2 }', 'fail 4'],
      ['if { http_first_req }', 'pass 1'],
      ['if !{ http_first_req }', 'fail 1'],
      ['if { req.body -m sub more }', 'fail end'],
      ['if { req.body_len gt 0 }', 'fail 4'],
      ['if { req.body_size gt 0 }', 'fail 4'],
      ['if { req.body_param(b) -m found }', 'fail 4'],
      ['if { http_auth_user -m found }', 'fail 4'],
      ['if { res.hdr(x) -m found }', 'fail 1'],
      ['if { req.len gt 60 } HTTP', 'fail end'],
      ['if HTTP { req.len gt 60 }', 'fail end'],
      ['if HTTP { path /b }', 'fail 4'],
      ['if HTTP !{ path /b }', 'pass 4'],
      ['if { path /b } or { req.payload(0,2) -m str GE }', 'pass 1'],
    ],
  },
  {
    pieces: [
      'POST /a HTTP/1.1\r\nHost: h\r\nConnection: keep-alive,X-Up\r\nContent-Length: 9\r\n\r\na',
      '=1&b',
      '=2',
    ],
    outcomes: [
      ['if { method POST }', 'pass 1'],
      ['if { req.body -m found }', 'pass 1'],
      ['if { req.body -m sub a }', 'fail end'],
      ['if { req.body_len 0 }', 'pass 1'],
      ['if { req.body_len gt 0 }', 'fail 1'],
      ['if { req.body_size 0 }', 'pass 1'],
      ['if { req.body_size gt 0 }', 'fail 1'],
      ['if { req.body_param(a) -m str 1 }', 'fail 1'],
      ['if { hdr(connection) keep-alive }', 'pass 1'],
      ['if { req.fhdr(connection) keep-alive,X-Up }', 'pass 1'],
      ['if { http_first_req }', 'pass 1'],
    ],
  },
  {
    pieces: ['\x16\x03\x01\x02', '\0\x01', 'x'],
    outcomes: [
      ['if HTTP', 'fail 1'],
      ['unless HTTP', 'pass 1'],
      ['if { path / }', 'fail 1'],
      ['if { method GET }', 'fail 1'],
    ],
  },
  {
    pieces: ['GET / HTTP/1.1\r\n', 'Host h\r\n', '\r\n'],
    outcomes: [
      ['if HTTP', 'fail 2'],
      ['unless { path / }', 'pass 2'],
    ],
  },
  {
    pieces: ['GET / HTTP/1.1\r\n', 'Host: h\r\nA B: c', '\r\n\r\n'],
    outcomes: [['if HTTP', 'fail 2']],
  },
  {
    pieces: ['\r\n', 'GET / HTTP/1.1\r\n', 'Host: h\r\n\r\n'],
    outcomes: [
      ['if HTTP', 'pass 3'],
      ['if { path / }', 'pass 3'],
    ],
  },
  {
    pieces: ['(', 'x'],
    outcomes: [
      ['if HTTP', 'fail 1'],
      ['if !HTTP', 'pass 1'],
    ],
  },
  {
    pieces: ['GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n', 'a'],
    outcomes: [['if HTTP', 'fail 1']],
  },
  {
    pieces: ['BREW / HTTP/1.0\r\n', '\r\n', 'a'],
    outcomes: [
      ['if { method BREW }', 'pass 2'],
      ['if { method GET }', 'fail 2'],
    ],
  },
  {
    pieces: helloPieces,
    outcomes: [
      ['if { req.ssl_hello_type 1 }', 'pass 5'],
      ['if { req_ssl_hello_type 2 }', 'fail 5'],
      ['unless { req.ssl_hello_type 1 }', 'fail 5'],
      ['if { req.ssl_sni -m found }', 'pass 5'],
      ['if { req_ssl_sni -i Example.TEST }', 'pass 5'],
      ['if { req.ssl_sni other }', 'fail 5'],
      ['if { req.ssl_sni,lower,field(1,.) example }', 'pass 5'],
      ['if !{ req.ssl_sni -m end .test }', 'fail 5'],
      ['if { req.ssl_alpn h2 }', 'pass 5'],
      ['if { req.ssl_alpn http/1.1 }', 'pass 5'],
      ['if { req.ssl_alpn h3 }', 'fail 5'],
      ['if { req.ssl_ec_ext }', 'pass 5'],
      ['if { req.ssl_st_ext 1 }', 'pass 5'],
      ['if { req.ssl_st_ext 2 }', 'fail 5'],
      ['if HTTP', 'fail 1'],
      ['if { req.payload(0,1) -m bin 16 }', 'pass 1'],
      ['if { req.len gt 5 } { req.ssl_sni -m found }', 'pass 5'],
    ],
  },
  {
    pieces: barePieces,
    outcomes: [
      ['if { req.ssl_hello_type 1 }', 'pass 3'],
      ['if { req.ssl_sni -m found }', 'fail 3'],
      ['if !{ req.ssl_sni -m found }', 'pass 3'],
      ['if { req.ssl_alpn -m found }', 'fail 3'],
      ['if { req.ssl_ec_ext }', 'fail 3'],
      ['if !{ req.ssl_ec_ext }', 'pass 3'],
      ['if { req.ssl_st_ext 0 }', 'pass 3'],
    ],
  },
  {
    pieces: ['GET / HTTP/1.1\r\n', '\r\n'],
    outcomes: [
      ['if { req.ssl_hello_type 1 }', 'fail 1'],
      ['unless { req.ssl_sni -m found }', 'pass 1'],
      ['if { req.ssl_alpn h2 }', 'fail 1'],
      ['if { req.ssl_st_ext 0 }', 'fail 1'],
      ['if { req.ssl_ec_ext }', 'fail 1'],
    ],
  },
  {
    pieces: ['\x16', '\x02', '\0\0\x10'],
    outcomes: [
      ['if { req.ssl_hello_type 1 }', 'fail end'],
      ['if { req.ssl_sni -m found }', 'fail 3'],
    ],
  },
  {
    pieces: ['\x16\x03\x01', '\0\x40\x02', '\0'],
    outcomes: [
      ['if { req.ssl_sni -m found }', 'fail 2'],
      ['if { req.ssl_hello_type 2 }', 'fail end'],
    ],
  },
  {
    pieces: ['\x17', '\x03\x03\0\x10', 'abcdefghijklmnop'],
    outcomes: [
      ['if { req.ssl_hello_type 97 }', 'fail end'],
      ['if { req.ssl_sni -m found }', 'fail 1'],
    ],
  },
  {
    pieces: ['\0', '\x03a', 'bc', 'd'],
    outcomes: [
      ['if { req.payload_lv(0,2) -m str abc }', 'pass 3'],
      ['if { req.payload_lv(0,2) -m str abd }', 'fail 3'],
      ['unless { req.payload_lv(0,2) -m str abc }', 'fail 3'],
      ['if { payload_lv(0,2) 616263 }', 'pass 3'],
      ['if { payload(2,2),hex 6162 }', 'pass 3'],
      ['if { payload(2,2) 6162 }', 'pass 3'],
      ['if { req.payload_lv(0,2,3) -m str bcd }', 'pass 4'],
      ['if { req.payload_lv(0,2,+1) -m str bcd }', 'pass 4'],
      ['if { req.payload_lv(1,1) -m str abc }', 'pass 3'],
      ['if { req.payload_lv(0,1) -m found }', 'fail 1'],
      ['if { req.payload_lv(2,1) -m found }', 'fail end'],
      ['if { req.payload_lv(2,2) -m found }', 'fail 3'],
      ['if { req.payload_lv(0,5) -m found }', 'fail 3'],
      ['if { req.payload_lv(9,1) -m found }', 'fail end'],
      ['if { req.payload_lv(1,1,-1) -m str \x03ab }', 'pass 3'],
    ],
  },
  {
    // A FIX message knows where it ends: its sum is decided on although req.payload(0,0) could still grow.
    pieces: ['8=FIX.4.0\x019=10\x0135=0\x01', '34=1\x0110=161', '\x01'],
    outcomes: [
      ['if { req.payload(0,0),fix_is_valid }', 'pass 3'],
      ['unless { req.payload(0,0),fix_is_valid }', 'fail 3'],
      ['if { req.payload(0,0),fix_tag_value(35) -m str 0 }', 'pass 1'],
      ['if { req.payload(0,0),fix_tag_value(35) -m str A }', 'fail 1'],
      ['if { req.payload(0,0),fix_tag_value(34) -m str 2 }', 'fail 2'],
    ],
  },
  {
    pieces: ['8=FIX.4.0\x019=10\x0135=0\x01', '34=1\x0110=162', '\x01', 'more'],
    outcomes: [
      ['unless { req.payload(0,0),fix_is_valid }', 'pass 3'],
      ['if { req.payload(0,0),fix_is_valid }', 'fail 3'],
    ],
  },
]

/** The same for `tcp-request content` in HTTP mode: a request whose head is there is evaluated, whose end is there is final. */
export const httpGroups: readonly WaitingGroup[] = [
  {
    pieces: ['GET /a HTTP/1.1\r\nHo', 'st: h\r\n', '\r\n'],
    outcomes: [
      ['if WAIT_END', 'pass 3'],
      ['if { path /a }', 'pass 3'],
      ['unless { path /a }', 'fail 3'],
      ['if { req.len gt 1000 }', 'fail 3'],
      ['if { req.payload(0,1) -m found }', 'fail 3'],
      ['if { req.body -m found }', 'pass 3'],
      ['if { req.ssl_hello_type 1 }', 'fail 3'],
      ['if { rand(1) 1 }', 'fail 3'],
    ],
  },
  {
    pieces: ['POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n', 'abc', 'defghi'],
    outcomes: [
      ['if WAIT_END', 'pass 3'],
      ['if !WAIT_END', 'fail 3'],
      ['if { path /a }', 'pass 1'],
      ['if { path /b }', 'fail 1'],
      ['if { req.body -m sub bcd }', 'pass 3'],
      ['if { req.body -m sub x }', 'fail 3'],
      ['if { req.body -m sub bc }', 'pass 2'],
      ['if { req.body_len gt 2 }', 'fail 1'],
      ['if { req.body_size 9 }', 'pass 1'],
      ['if { req.len gt 60 }', 'pass 3'],
      ['if { req.len gt 1000 }', 'fail 3'],
      ['if { req.payload(0,1) -m found }', 'fail 1'],
      ['if { path /b } or { req.body -m sub x }', 'fail 3'],
    ],
  },
  {
    pieces: [
      'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n',
      '3\r\nabc\r\n',
      '2\r\nde',
      '\r\n0\r\n\r\n',
    ],
    outcomes: [
      ['if WAIT_END', 'pass 4'],
      ['if { req.body -m sub cd }', 'pass 3'],
      ['if { req.body -m sub x }', 'fail 4'],
    ],
  },
  {
    pieces: ['POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n', 'abc'],
    outcomes: [
      ['if WAIT_END', 'pass end'],
      ['if { req.body -m sub x }', 'fail end'],
    ],
  },
]

/** The same for `tcp-response content` in HTTP mode: what the server sends. */
export const httpResponseGroups: readonly WaitingGroup[] = [
  {
    pieces: ['HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 6\r\n\r\n', 'abc', 'def'],
    outcomes: [
      ['if WAIT_END', 'pass 3'],
      ['if !WAIT_END', 'fail 3'],
      ['if { status 200 }', 'pass 1'],
      ['if { status 404 }', 'fail 1'],
      ['if { res.hdr(x) y }', 'pass 1'],
      ['if { res.body -m sub bcd }', 'pass 3'],
      ['if { res.body -m sub bc }', 'pass 2'],
      ['if { res.body -m sub x }', 'fail 3'],
      ['if { res.body_len gt 2 }', 'fail 1'],
      ['if { res.body_size 6 }', 'pass 1'],
      ['if { res.payload(0,1) -m found }', 'fail 1'],
    ],
  },
  {
    pieces: ['HTTP/1.1 204 No Content\r\n\r\n'],
    outcomes: [
      ['if WAIT_END', 'pass 1'],
      ['if { res.len gt 1000 }', 'fail 1'],
    ],
  },
]

/** The same for `tcp-response content`: what the server sends. */
export const responseGroups: readonly WaitingGroup[] = [
  {
    pieces: ['A', 'B', 'C', 'D'],
    outcomes: [
      ['if { res.payload(0,3) -m str ABC }', 'pass 3'],
      ['if { res.payload(0,3) -m str BAD }', 'fail 3'],
      ['unless { res.payload(0,3) -m str BAD }', 'pass 3'],
      ['if { res.payload(0,0) -m beg ABC }', 'pass 3'],
      ['if { res.payload(0,0) -m beg X }', 'fail end'],
      ['if { res.payload(1,2),lower -m str bc }', 'pass 3'],
      ['if { res.payload(9,2) -m found }', 'fail end'],
      ['if { res.payload(0,16385) -m found }', 'fail 1'],
      ['if { payload(0,2) -m bin 4142 }', 'pass 2'],
      ['if { payload(0,2) 4143 }', 'fail 2'],
      ['if { payload_lv(0,1) -m found }', 'fail end'],
      ['if { res.len gt 2 }', 'pass 3'],
      ['if { res.len gt 20 }', 'fail end'],
      ['if { res.payload_lv(0,1,0) -m found }', 'fail end'],
      ['if { res.ssl_hello_type 2 }', 'fail 1'],
      ['unless { rep_ssl_hello_type 2 }', 'pass 1'],
      ['if WAIT_END', 'pass end'],
      ['if !WAIT_END', 'fail end'],
      ['if { date lt 1 }', 'fail end'],
      ['if { res.len gt 2 } { res.payload(0,1) -m str X }', 'fail 3'],
      ['if { res.payload(0,1) -m str X } { res.len gt 2 }', 'fail 1'],
      ['if { res.payload(0,2) -m str XX } or { res.payload(0,4) -m str ABCD }', 'pass 4'],
      ['if HTTP', 'fail 1'],
      ['if { path / }', 'fail 1'],
      ['if { res.hdr(x) -m found }', 'fail 1'],
      ['if { status 200 }', 'fail 1'],
      ['if { res.body -m found }', 'fail 1'],
      ['if { be_name x }', 'fail 1'],
    ],
  },
  {
    pieces: ['HTTP/1.1 200 OK\r\n', 'X: y\r\n\r\n', 'x'],
    outcomes: [
      ['if { status 200 }', 'fail 1'],
      ['if { res.hdr(x) -m found }', 'fail 1'],
      ['if { res.ver 1.1 }', 'fail 1'],
    ],
  },
  {
    pieces: ['\x16', '\x03\x03\0\x2e\x02\0\0\x05', 'abc', 'de'],
    outcomes: [
      ['if { res.ssl_hello_type 2 }', 'pass 4'],
      ['if { rep_ssl_hello_type 1 }', 'fail 4'],
    ],
  },
]

/**
 * Where sluice decides otherwise on purpose: HAProxy takes any version for HTTP, does not miss Host in HTTP/1.1, shows
 * `:method` and `:path` among the headers of a request in TCP mode, and reads the request for fetches of a response.
 */
export const deliberate: readonly {
  readonly pieces: readonly string[]
  readonly condition: string
  readonly haproxy: Outcome
  readonly sluice: Outcome
}[] = [
  { pieces: ['GET', ' / FTP/1.1\r\n', '\r\n'], condition: 'if HTTP', haproxy: 'pass 3', sluice: 'fail 2' },
  { pieces: ['GET / HTTP/1.1\r\n', '\r\n'], condition: 'if HTTP', haproxy: 'pass 2', sluice: 'fail 2' },
  {
    pieces: ['GET / HTTP/1.1\r\nHost: h\r\n\r\n'],
    condition: 'if { req.hdr_names host }',
    haproxy: 'fail 1',
    sluice: 'pass 1',
  },
  { pieces: ['A'], condition: 'if { res.payload(0,1) -m found }', haproxy: 'pass 1', sluice: 'fail end' },
]
