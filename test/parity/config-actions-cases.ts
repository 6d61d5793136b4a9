/** Rules, error pages and captures, each with the request that it is for: see config-actions.test.ts. */

/** Ports of the other side. */
export interface Ports {
  readonly fe: number
  readonly origin: number
  readonly dead: number
}

/** Files that the configuration names. */
export const files: Readonly<Record<string, string>> = {
  'page.http':
    'HTTP/1.1 503 Sorry\r\nContent-Length: 6\r\nContent-Type: text/plain\r\nX-Page: file\r\n\r\nsorry\n',
  'gone.http': 'HTTP/1.1 410 Gone Away\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\ngone\n',
  'page.txt': 'plain page\n',
  'page.lf': 'path %[path]\nby %[src]\n',
}

/** What is tried: a name that becomes the path, and the rules for it. */
interface ActionCase {
  readonly name: string
  /** Rules of the frontend; ` if` and the condition are appended. */
  readonly rules: readonly string[]
  /** After the path of the case. */
  readonly query?: string
  readonly method?: string
  /** Header lines. */
  readonly headers?: string
}

const list = 'V: a, bb ,"b,b", b\r\nV: bbb\r\n'

/** See the head of this file. */
export const cases: readonly ActionCase[] = [
  {
    name: 'replace-header',
    rules: ['http-request replace-header V ^(.*)b(.*)$ "\\2<%[path]>\\1"'],
    headers: list,
  },
  { name: 'replace-header-none', rules: ['http-request replace-header V ^nothing$ x'], headers: list },
  { name: 'replace-value', rules: ['http-request replace-value V ^(b+)$ <\\1>'], headers: list },
  { name: 'replace-value-all', rules: ['http-request replace-value V (.*) x'], headers: list },
  {
    name: 'replace-value-empty',
    rules: ['http-request replace-value V ^b+$ %[req.hdr(none)]'],
    headers: 'V: a,,bb, ,c\r\n',
  },
  {
    name: 'replace-value-var',
    rules: ['http-request replace-value V ^(b+)$ "%[req.hdr(w)]\\1"'],
    headers: `${list}W: q\r\n`,
  },
  { name: 'replace-path', rules: ['http-request replace-path (.*)/a(.*) /new\\1-\\2'], query: '/a/b?c=/a' },
  { name: 'replace-path-none', rules: ['http-request replace-path ^/zzz /new'], query: '?x' },
  { name: 'replace-pathq', rules: ['http-request replace-pathq (.*)\\?(.*) /x\\1?y=\\2'], query: '/a?b=c' },
  { name: 'replace-uri', rules: ['http-request replace-uri ^/(.*) http://h.example:81/\\1'], query: '?x' },
  { name: 'replace-uri-path', rules: ['http-request replace-uri ^/(.*) /other/\\1'], query: '?x=1' },
  { name: 'set-pathq', rules: ['http-request set-pathq /p?q=%[query]'], query: '?a=b' },
  { name: 'set-query-empty', rules: ['http-request set-query %[req.hdr(none)]'], query: '?a=b' },
  { name: 'set-query-empty-of-none', rules: ['http-request set-query %[req.hdr(none)]'] },
  { name: 'set-query-mark', rules: ['http-request set-query ?%[query]'], query: '?a=b' },
  { name: 'set-pathq-bare', rules: ['http-request set-pathq /p'], query: '?a=b' },
  { name: 'set-uri', rules: ['http-request set-uri /u%[path]?z'], query: '?a=b' },
  { name: 'set-uri-host', rules: ['http-request set-uri http://u.example/x?z'] },
  { name: 'set-method', rules: ['http-request set-method REPORT'] },
  { name: 'set-method-sample', rules: ['http-request set-method %[req.hdr(m)]'], headers: 'M: PUT\r\n' },
  { name: 'early-hint', rules: ['http-request early-hint Link "<%[path]>; rel=preload"'] },
  { name: 'early-hint-10', rules: [], headers: '' },
  { name: 'reject', rules: ['http-request reject'] },
  { name: 'tarpit', rules: ['http-request tarpit'] },
  { name: 'tarpit-status', rules: ['http-request tarpit deny_status 429'] },
  { name: 'tarpit-string', rules: ['http-request tarpit status 418 content-type text/plain string short'] },
  { name: 'log-level-silent', rules: ['http-request set-log-level silent'] },
  { name: 'log-level-err', rules: ['http-request set-log-level err'] },
  { name: 'deny-errorfile', rules: ['http-request deny status 403 errorfile gone.http'] },
  { name: 'deny-errorfiles', rules: ['http-request deny status 410 errorfiles pages'] },
  { name: 'deny-errorfiles-lacks', rules: ['http-request deny status 404 errorfiles pages'] },
  { name: 'return-errorfile', rules: ['http-request return errorfile page.http'] },
  { name: 'return-errorfiles', rules: ['http-request return status 503 errorfiles pages'] },
  {
    name: 'return-empty-header',
    rules: ['http-request return status 200 hdr X-A "%[req.hdr(none)]" hdr X-B b'],
  },
  {
    name: 'return-lf-file',
    rules: ['http-request return status 200 content-type text/plain lf-file page.lf'],
  },
  {
    name: 'return-lf-newline',
    rules: ['http-request return status 200 content-type text/plain lf-string "a %[url_param(d),url_dec] b"'],
    query: '?d=x%0d%0ay',
  },
  { name: 'http-error-string', rules: ['http-request deny deny_status 401'] },
  { name: 'http-error-lf', rules: ['http-request deny deny_status 405'], query: '?a' },
  { name: 'http-error-file', rules: ['http-request deny deny_status 407'] },
  { name: 'http-error-empty', rules: ['http-request deny deny_status 408'] },
  { name: 'http-error-header', rules: ['http-request deny deny_status 413'], headers: 'X: y z\r\n' },
  { name: 'http-error-errorfile', rules: ['http-request deny deny_status 421'] },
  { name: 'http-error-errorfiles', rules: ['http-request deny deny_status 410'] },
  { name: 'http-error-errorfiles-lacks', rules: ['http-request deny deny_status 429'] },
  { name: 'http-error-default', rules: ['http-request deny deny_status 404'] },
  { name: 'errorloc', rules: ['http-request deny deny_status 500'] },
  { name: 'errorloc303', rules: ['http-request deny deny_status 501'] },
  { name: 'error-page-of-backend', rules: ['use_backend dead'] },
  { name: 'redirect-empty', rules: ['http-request redirect location %[req.hdr(none)] ignore-empty'] },
  {
    name: 'redirect-not-empty',
    rules: ['http-request redirect location %[req.hdr(l)] ignore-empty'],
    headers: 'L: /l\r\n',
  },
  { name: 'legacy-redirect', rules: ['redirect location /%[path]?x code 301'] },
  { name: 'legacy-redirect-prefix', rules: ['redirect prefix http://h.example drop-query'], query: '/a?b' },
  { name: 'legacy-redirect-backend', rules: ['use_backend legacy'] },
  { name: 'legacy-redirect-denied', rules: ['http-request deny', 'redirect location /never'] },
  { name: 'res-redirect', rules: ['http-response redirect location /elsewhere code 307'] },
  { name: 'res-redirect-sample', rules: ['http-response redirect location /%[status] set-cookie A=b'] },
  { name: 'res-return', rules: ['http-response return status 203 content-type text/plain string new'] },
  { name: 'res-return-errorfile', rules: ['http-response return errorfile gone.http'] },
  { name: 'res-deny', rules: ['http-response deny status 503'] },
  { name: 'res-deny-errorfiles', rules: ['http-response deny status 410 errorfiles pages'] },
  { name: 'res-replace-header', rules: ['http-response replace-header Server (.*) "my \\1"'] },
  {
    name: 'res-replace-value',
    rules: ['http-response add-header S "a,b"', 'http-response replace-value S ^b$ c'],
  },
  { name: 'res-log-level', rules: ['http-response set-log-level silent'] },
  { name: 'after-replace-header', rules: ['http-after-response replace-header Server (.*) "after \\1"'] },
  { name: 'after-replace-value', rules: ['http-after-response replace-value Server ^o.*n$ x'] },
  { name: 'after-set-status', rules: ['http-after-response set-status 201'] },
  { name: 'tcp-log-level', rules: ['tcp-request content set-log-level silent'] },
  { name: 'capture-len', rules: ['http-request capture req.hdr(c) len 4'], headers: 'C: captured\r\n' },
  { name: 'capture-id', rules: ['http-request capture path id 2'] },
  { name: 'capture-res', rules: ['http-response capture status id 1'] },
  { name: 'capture-after', rules: ['http-after-response capture status,add(1) id 1'] },
  { name: 'capture-tcp', rules: ['tcp-request content capture src len 40'] },
  { name: 'capture-headers', rules: [], headers: 'X-Cap: one\r\nX-Cap: two and too long\r\n' },
  // The log has another name for it: docs/compatibility.md.
  { name: 'backend-disabled', rules: ['http-request set-log-level silent', 'use_backend %[str(off)]'] },
  { name: 'capture-backend', rules: ['use_backend captures'] },
]

/** The request of a case. */
export function requestOf({ name, query = '', method = 'GET', headers = '' }: ActionCase): string {
  const version = name.endsWith('-10') ? '1.0' : '1.1'
  return `${method} /${name}${query} HTTP/${version}\r\nHost: h\r\n${headers}\r\n`
}

/** A response has no path, and there are no variables yet when TCP rules run. */
function conditionOf(name: string, rule: string): string {
  return `{ ${rule.startsWith('tcp-') ? 'path,field(2,/)' : 'var(txn.case)'} -m str ${name} }`
}

/** One frontend for all cases. */
export const config = ({ fe, origin, dead }: Ports): string => `
http-errors pages
  errorfile 410 gone.http
  errorfile 503 page.http
defaults
  mode http
  log stderr format raw local0 info
  option httplog
  timeout client 1s
  timeout server 1s
  timeout connect 100ms
  timeout tarpit 300ms
  retries 0
frontend f
  bind 127.0.0.1:${fe}
  capture request header X-Cap len 8
  capture response header Server len 3
  declare capture request len 6
  declare capture request len 20
  declare capture response len 5
  http-error status 401 content-type text/plain string "no entry"
  http-error status 405 content-type text/plain lf-string "not %[method] of %[url]"
  http-error status 407 content-type text/plain file page.txt
  http-error status 408
  http-error status 413 hdr X-Too "%[req.hdr(x)]" content-type text/plain string big
  http-error status 421 errorfile gone.http
  http-error status 410 errorfiles pages
  errorloc 500 /sorry
  errorloc303 501 http://x.example/
  http-error status 404 default-errorfiles
  http-error status 429 errorfiles pages
  http-request set-var(txn.case) path,field(2,/)
${cases.flatMap(({ name, rules }) => rules.map((rule) => `  ${rule} if ${conditionOf(name, rule)}`)).join('\n')}
  http-request reject if { path /never }
  default_backend b
backend b
  server s 127.0.0.1:${origin}
backend dead
  errorfiles pages 503
  server d 127.0.0.1:${dead}
backend legacy
  redirect scheme https
  server s 127.0.0.1:${origin}
backend off
  disabled
  server s 127.0.0.1:${origin}
backend captures
  http-request capture method id 1
  http-request capture method id 9
  server s 127.0.0.1:${origin}
`
