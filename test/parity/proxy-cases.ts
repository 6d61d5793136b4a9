/** One configuration and raw requests, to be run through HAProxy and through sluice: see proxy.test.ts. */

/** Ports of the other side: an origin that answers as the path says, and one that refuses connections. */
export interface Ports {
  readonly fe: number
  readonly origin: number
  readonly dead: number
}

/** Every status that there is a page for. */
const pages = [200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504]

/** The same for both, but for the port of the frontend. */
export const config = ({ fe, origin, dead }: Ports): string => `
defaults
  mode http
  log stderr format raw local0
  option httplog
  timeout client 400ms
  timeout server 400ms
  timeout connect 100ms
  timeout http-request 300ms
  timeout http-keep-alive 400ms
  timeout queue 200ms
  retries 1
frontend f
  bind 127.0.0.1:${fe}
  unique-id-format %{+X}o%ci-%rt
  unique-id-header X-Unique-ID
  acl is_deny path /deny
  tcp-request content reject if { path /tcpreject }
  http-request deny if is_deny
${pages.map((each) => `  http-request deny deny_status ${each} if { path /page${each} }`).join('\n')}
  http-request deny deny_status 429 if { path /deny429 }
  http-request deny deny_status 400 content-type text/plain string "hello" hdr X-A b if { path /denystr }
  http-request return status 200 content-type text/plain string "hi there" hdr X-A "%[path]" if { path /return }
  http-request return status 200 content-type text/plain lf-string "%[src] %[method]" if { path /returnlf }
  http-request return status 204 if { path /return204 }
  http-request return if { path /returndef }
  http-request return status 418 if { path /return418 }
  http-request redirect location /elsewhere if { path /redir }
  http-request redirect prefix http://x.y if { path_beg /redirp }
  http-request redirect prefix http://x.y drop-query append-slash if { path_beg /redirq }
  http-request redirect scheme https code 301 if { path_beg /redirs }
  http-request redirect location /c code 303 set-cookie A=b if { path /redirc }
  http-request set-path /new%[path] if { path_beg /sp }
  http-request set-query x=%[query] if { path_beg /sq }
  http-request set-header X-Foo "a b" if { path_beg /hd }
  http-request add-header X-Bar "%[req.hdr(host)]" if { path_beg /hd }
  http-request del-header X-Del if { path_beg /hd }
  http-request set-var(txn.x) str(1) if { path_beg /st }
  http-request set-var(txn.y) str(1) if { path_beg /rd }
  http-request set-var(txn.both) path
  http-request unset-var(txn.both) if { path_beg /uv }
  http-response set-header X-Resp "%[var(txn.both)]"
  http-response add-header X-Status "%[status]"
  http-response del-header Server
  http-response set-status 202 reason "Fine thing" if { var(txn.x) -m found }
  http-response deny if { var(txn.y) -m found }
  http-after-response set-header X-After yes
  use_backend dead if { path_beg /dead }
  use_backend none if { path_beg /none }
  use_backend forward if { path_beg /fwd }
  use_backend except if { path_beg /except }
  use_backend sclose if { path_beg /sclose }
  use_backend hclose if { path_beg /hclose }
  use_backend pretend if { path_beg /pretend }
  use_backend %[path,field(3,/)] if { path_beg /dyn }
  default_backend b
backend b
  server s 127.0.0.1:${origin}
backend dead
  server d 127.0.0.1:${dead}
backend none
backend forward
  option forwardfor
  http-request set-header X-Backend "%[be_name]"
  http-response set-header X-From-Backend yes
  server s 127.0.0.1:${origin}
backend except
  option forwardfor except 127.0.0.0/8 header X-Client
  server s 127.0.0.1:${origin}
backend sclose
  option http-server-close
  server s 127.0.0.1:${origin}
backend hclose
  option httpclose
  server s 127.0.0.1:${origin}
backend pretend
  option http-server-close
  option http-pretend-keepalive
  server s 127.0.0.1:${origin}
`

const get = (path: string, ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: a', ...headers, '', ''].join('\r\n')

/** What a client sends, and how. */
export interface Case {
  readonly name: string
  readonly raw: string
  /** Ends its side after sending. */
  readonly fin?: boolean
  /**
   * Waits for the proxy to close the connection (a timeout is expected); otherwise a moment of silence ends the case, and
   * whether the connection is still open is compared.
   */
  readonly wait?: boolean
}

const one = (name: string, path: string, ...headers: string[]): Case => ({ name, raw: get(path, ...headers) })

export const cases: readonly Case[] = [
  one('a plain request', '/x', 'X-Mixed-Case: Yes', 'User-Agent: test'),
  one('several headers of one name', '/x', 'Cookie: a=1', 'X: 1', 'Cookie: b=2'),
  one('an empty header', '/x', 'X-Empty:'),
  one('Connection: close', '/x', 'Connection: close'),
  one('Connection: keep-alive', '/x', 'Connection: keep-alive'),
  one('TE', '/x', 'TE: gzip, trailers'),
  one('TE without trailers', '/x', 'TE: gzip'),
  one('a query and odd paths', '//a/../b?c=d&e'),
  { name: 'HTTP/1.0', raw: 'GET /x HTTP/1.0\r\n\r\n' },
  { name: 'HTTP/1.0 with keep-alive', raw: 'GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n' },
  { name: 'the absolute form', raw: 'GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'OPTIONS *', raw: 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'empty lines first', raw: `\r\n\r\n${get('/x')}` },
  { name: 'HEAD', raw: 'HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'POST', raw: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello' },
  {
    name: 'a chunked request with trailers',
    raw: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n',
  },
  {
    name: 'Expect',
    raw: 'POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab',
  },
  {
    name: 'pipelining',
    raw: get('/x1') + get('/x2') + get('/deny') + get('/x3', 'Connection: close') + get('/x4'),
  },
  one('a chunked response', '/chunk'),
  one('a response until close', '/close11'),
  one('an HTTP/1.0 response until close', '/close10'),
  one('an HTTP/1.0 response with keep-alive', '/h10'),
  { name: 'a response until close for HTTP/1.0', raw: 'GET /close11 HTTP/1.0\r\n\r\n' },
  { name: 'HEAD of a chunked response', raw: 'HEAD /headchunk HTTP/1.1\r\nHost: a\r\n\r\n' },
  one('early hints', '/hints'),
  one('204', '/204'),
  one('304', '/304'),
  one('a server that closes', '/srvclose'),
  {
    name: 'an upgrade',
    raw: `${get('/up', 'Connection: upgrade', 'Upgrade: foo')}tunneled`,
  },
  one('101 without being asked', '/up'),
  one('an answer that asks for another protocol', '/offer'),
  one('an answer that offers other protocols', '/offers'),
  one('an upgrade that the server does not do', '/x', 'Connection: Upgrade', 'Upgrade: foo'),
  { name: 'redirect with a body', raw: 'POST /redir HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc' },
  { name: 'return with a body', raw: 'POST /return HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc' },
  one('http-server-close', '/sclose'),
  one('httpclose', '/hclose'),
  one('http-pretend-keepalive', '/pretend'),
  { name: 'http-pretend-keepalive for HTTP/1.0', raw: 'GET /pretend HTTP/1.0\r\n\r\n' },
  { name: 'http-server-close for HTTP/1.0', raw: 'GET /sclose HTTP/1.0\r\n\r\n' },
  one('deny', '/deny'),
  { name: 'deny HEAD', raw: 'HEAD /deny HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'deny HTTP/1.0', raw: 'GET /deny HTTP/1.0\r\n\r\n' },
  { name: 'deny with a body to come', raw: 'POST /deny HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n' },
  { name: 'deny with a body', raw: 'POST /deny HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello' },
  one('deny with a status', '/deny429'),
  one('deny with words', '/denystr'),
  ...pages.map((each) => one(`the page of ${each}`, `/page${each}`)),
  one('return', '/return'),
  one('return with a format', '/returnlf'),
  { name: 'return to HEAD', raw: 'HEAD /return HTTP/1.1\r\nHost: a\r\n\r\n' },
  one('return 204', '/return204'),
  one('return nothing', '/returndef'),
  one('return 418', '/return418'),
  one('redirect', '/redir'),
  one('redirect to a prefix', '/redirp/a?b=c'),
  one('redirect to a prefix without the query', '/redirq/a?b=c'),
  one('redirect to a scheme', '/redirs?x=1'),
  one('redirect with a cookie', '/redirc'),
  one('set-path', '/sp/a?b=c'),
  one('set-query', '/sq/a?b=c'),
  one('set-query where there is none', '/sq/a'),
  one('header rules', '/hd', 'X-Del: 1', 'X-Foo: old', 'X-Bar: old', 'x-del: 2'),
  one('set-status', '/st'),
  one('deny in a response', '/rd'),
  one('unset-var', '/uv'),
  one('tcp-request content reject', '/tcpreject'),
  one('a server that refuses', '/dead'),
  one('a backend without servers', '/none'),
  one('forwardfor', '/fwd', 'X-Forwarded-For: 192.0.2.1'),
  one('forwardfor except', '/except'),
  one('a computed backend', '/dyn/forward'),
  one('a computed backend that does not exist', '/dyn/zzz'),
  one('a server that closes at once', '/empty'),
  one('a server that resets', '/rst'),
  one('a server that does not speak HTTP', '/garbage'),
  { name: 'a server that is silent', raw: get('/slow'), wait: true },
  { name: 'a response cut short', raw: get('/partial'), wait: true },
  { name: 'a response that stalls', raw: get('/stall'), wait: true },
  { name: 'half a request', raw: 'GET / HTTP/1.1\r\nHost', wait: true },
  { name: 'nothing at all', raw: '', wait: true },
  { name: 'half a second request', raw: `${get('/x')}GET /`, wait: true },
  { name: 'an idle connection', raw: get('/x'), wait: true },
  { name: 'half a request, then the end', raw: 'GET / HTT', fin: true },
  { name: 'the end at once', raw: '', fin: true },
  {
    name: 'half a body, then the end',
    raw: 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc',
    fin: true,
  },
  { name: 'half a body', raw: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc', wait: true },
  {
    name: 'a bad chunk',
    raw: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n',
  },
  { name: 'a bad method', raw: 'G@T / HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'a space before a colon', raw: 'GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n' },
  { name: 'a bare CR', raw: 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n' },
  { name: 'two hosts', raw: 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n' },
  { name: 'a host that is not the target', raw: 'GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n' },
  { name: 'another transfer coding', raw: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: foo\r\n\r\n' },
  { name: 'no version', raw: 'GET /\r\n\r\n' },
  { name: 'a fragment', raw: 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'a target that is not ASCII', raw: 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'a relative target', raw: 'GET abc HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'a TLS greeting', raw: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' },
  one('a header of 20000 bytes', '/x', `X: ${'a'.repeat(20_000)}`),
  one('100 headers', '/x', ...Array.from({ length: 99 }, () => 'X: a')),
  one('101 headers', '/x', ...Array.from({ length: 100 }, () => 'X: a')),
  one('120 headers', '/x', ...Array.from({ length: 120 }, () => 'X: a')),
]

/** Where the two differ, and why; `sluice` is the status that we answer. */
export const differences: readonly (Case & { readonly haproxy: string; readonly sluice: string })[] = [
  { name: 'no host in HTTP/1.1', raw: 'GET /x HTTP/1.1\r\n\r\n', haproxy: '200', sluice: '400' },
  {
    name: 'two equal hosts',
    raw: 'GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n',
    haproxy: '200',
    sluice: '400',
  },
  {
    name: 'two equal lengths',
    raw: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na',
    haproxy: '200',
    sluice: '400',
  },
  {
    name: 'both framings',
    raw: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    haproxy: '200',
    sluice: '400',
  },
  {
    name: 'chunks in HTTP/1.0',
    raw: 'POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    haproxy: '200',
    sluice: '400',
  },
  {
    name: 'two transfer codings',
    raw: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    haproxy: '422',
    sluice: '501',
  },
  {
    name: 'a folded header',
    raw: 'GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n',
    haproxy: '200',
    sluice: '400',
  },
  { name: 'lines that end with LF', raw: 'GET /x HTTP/1.1\nHost: a\n\n', haproxy: '200', sluice: '400' },
  {
    name: 'a control character',
    raw: 'GET /x HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n',
    haproxy: '200',
    sluice: '400',
  },
  { name: 'HTTP/1.2', raw: 'GET /x HTTP/1.2\r\nHost: a\r\n\r\n', haproxy: '200', sluice: '505' },
  { name: 'an asterisk for GET', raw: 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', haproxy: '200', sluice: '400' },
  { name: 'both framings in a response', raw: get('/clte'), haproxy: '200', sluice: '502' },
]
