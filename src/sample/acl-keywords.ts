/**
 * ACL keywords that stand for a fetch and a matching method (configuration.txt 7.1; `acl_kws` in src/http_acl.c):
 * `path_beg` is `path -m beg`, `hdr` is `req.hdr -m str`.
 */
import type { MatchName } from './patterns/match-method.ts'

/** What an ACL keyword stands for. */
export interface AclKeyword {
  readonly fetch: string
  readonly match: MatchName | 'method'
}

const families = [
  ['base', 'base'],
  ['path', 'path'],
  ['url', 'url'],
  ['urlp', 'urlp'],
  ['hdr', 'req.hdr'],
  ['shdr', 'res.hdr'],
  ['cook', 'req.cook'],
  ['scook', 'res.cook'],
] as const

const suffixes = ['beg', 'dir', 'dom', 'end', 'len', 'reg', 'sub'] as const

function* entries(): Generator<readonly [string, AclKeyword]> {
  for (const [keyword, fetch] of families) {
    yield [keyword, { fetch, match: 'str' }]
    for (const match of suffixes) yield [`${keyword}_${match}`, { fetch, match }]
  }
  yield ['method', { fetch: 'method', match: 'method' }]
  yield ['req_ver', { fetch: 'req.ver', match: 'str' }]
  yield ['resp_ver', { fetch: 'res.ver', match: 'str' }]
  // Of requests in HAProxy's tables; in a response it warns, and reads the response all the same.
  yield ['payload', { fetch: 'payload', match: 'bin' }]
  yield ['payload_lv', { fetch: 'payload_lv', match: 'bin' }]
  yield ['req_ssl_sni', { fetch: 'req.ssl_sni', match: 'str' }]
  yield ['ssl_fc_sni_end', { fetch: 'ssl_fc_sni', match: 'end' }]
  yield ['ssl_fc_sni_reg', { fetch: 'ssl_fc_sni', match: 'reg' }]
}

/** Every ACL keyword. */
export const aclKeywords: ReadonlyMap<string, AclKeyword> = new Map(entries())

/** The ACLs that exist without being declared (configuration.txt 7.4), as words. */
export const predefinedAcls: ReadonlyMap<string, readonly string[]> = new Map([
  ['TRUE', ['always_true']],
  ['FALSE', ['always_false']],
  ['LOCALHOST', ['src', '127.0.0.1/8', '::1']],
  ['HTTP', ['req.proto_http']],
  ['HTTP_1.0', ['req.ver', '1.0']],
  ['HTTP_1.1', ['req.ver', '1.1']],
  ['HTTP_2.0', ['req.ver', '2.0']],
  ['METH_CONNECT', ['method', 'CONNECT']],
  ['METH_DELETE', ['method', 'DELETE']],
  ['METH_GET', ['method', 'GET', 'HEAD']],
  ['METH_HEAD', ['method', 'HEAD']],
  ['METH_OPTIONS', ['method', 'OPTIONS']],
  ['METH_POST', ['method', 'POST']],
  ['METH_PUT', ['method', 'PUT']],
  ['METH_TRACE', ['method', 'TRACE']],
  ['HTTP_URL_ABS', ['url_reg', '^[^/:]*://']],
  ['HTTP_URL_SLASH', ['url_beg', '/']],
  ['HTTP_URL_STAR', ['url', '*']],
  ['HTTP_CONTENT', ['req.hdr_val(content-length)', 'gt', '0']],
  ['REQ_CONTENT', ['req.len', 'gt', '0']],
  ['WAIT_END', ['wait_end']],
])
