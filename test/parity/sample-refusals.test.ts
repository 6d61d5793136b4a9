/** Expressions, conditions and log formats that HAProxy refuses are refused here, too. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { compileAcl, compileCondition, compileExpression, compileLogFormat } from '#src/sample/index.js'
import { findHaproxy, skipWithoutHaproxy } from '../support/haproxy.ts'
import { compileContext, word, words } from '../support/sample-stream.ts'

const skip = skipWithoutHaproxy()

const expressions = [
  'nope',
  'path,nope',
  'path(1)',
  'path lower,',
  'path)',
  'req.hdr(a',
  'req.hdr(a,b)',
  'req.hdr(a,-11)',
  'req.hdr(a,1,2)',
  'int(x)',
  'int()',
  'bool(maybe)',
  'bin(abc)',
  'bin(xy)',
  'ipv4(1.2.3)',
  'ipv6(1.2.3.4)',
  'meth(a b)',
  'uuid(5)',
  'date(0,h)',
  'var(nope)',
  'var(foo.bar)',
  'var(txn.a-b)',
  'path,field(0,/)',
  'path,field(1)',
  'path,field(1,)',
  'path,word(x,/)',
  'path,ipmask(33)',
  'path,ipmask',
  'path,add(x)',
  'path,regsub(x)',
  'path,regsub((,y)',
  'path,regsub(x,y,z)',
  'path,json(utf16)',
  'path,url_enc(path)',
  'path,lower(1)',
  'path,hex,add(1),hex2i,ipmask',
  'bin(00),add(1)',
  'method,add(1)',
  'src,hex,map(missing.map)',
  'bin(01),be2dec(:,9)',
  'bin(01),be2hex(:,0)',
  'path,iif(a)',
  'path,strcmp(x)',
  'path,sha2(255)',
  'path,sha2(x)',
  'path,digest(nope)',
  'path,digest',
  'path,hmac(sha256)',
  'path,hmac(nope,a2V5)',
  'path,hmac(sha256,a)',
  'path,secure_memcmp()',
  'path,secure_memcmp(nope)',
  'path,aes_gcm_dec(1,a,b,c)',
  'path,aes_gcm_dec(128,txn.a,txn.b)',
  'path,aes_gcm_dec(128,txn.a,a,txn.b)',
  'path,set-var(txn.x,ifmaybe)',
  'path,concat(a,b)',
  'path,add_item(a)',
  'status',
  'res.hdr(a)',
  'srv_name',
]

const conditions = [
  'if nope',
  'if { path /a',
  'if { nope }',
  'if { path -m nope /a }',
  'if { bin(00) -m ip 1.2.3.4 }',
  'if { bin(00) 00 }',
  'if { path -m str -f }',
  'if { path -x /a }',
  'if { req.body x }',
  'if { src 300.1.1.1 }',
  'if { src 1.2.3.4/33 }',
  'if { int(1) x }',
  'if { int(1) gt x }',
  'if { int(1) 5:3 }',
  'if { int(1) : }',
  'if { path -f missing.lst }',
  'if { path_reg ( }',
  'if { path_reg [z-a] }',
  'if { path -m bin 0 }',
  'if { src -f missing.lst -m end }',
  'when TRUE',
]

const formats = ['%[nope]', '%[path', '%[path}', '%nope', '% x', '%', '%{+Q}', '%{+Q', '%5', '%[status]']

const acls = ['a/b path /', 'a', 'a nope']

interface Case {
  readonly line: string
  readonly refused: () => boolean
}

const cases: readonly Case[] = [
  ...expressions.map((each) => ({
    line: `http-request set-var(txn.x) '${each}'`,
    refused: () => {
      const context = compileContext()
      return compileExpression(word(each), context) === undefined && context.diagnostics.failed
    },
  })),
  ...conditions.map((each) => ({
    line: `http-request deny ${each}`,
    refused: () => {
      const context = compileContext()
      return compileCondition(words(each), context) === undefined && context.diagnostics.failed
    },
  })),
  ...formats.map((each) => ({
    line: `http-request set-header x '${each}'`,
    refused: () => {
      const context = compileContext()
      return compileLogFormat(word(each), context, 'header') === undefined && context.diagnostics.failed
    },
  })),
  ...acls.map((each) => ({
    line: `acl ${each}`,
    refused: () => {
      const context = compileContext()
      return compileAcl(words(each), context) === undefined && context.diagnostics.failed
    },
  })),
]

test('what HAProxy refuses is refused', { skip }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sample-refusals-'))
  const theirs = (line: string): boolean => {
    const text = ['defaults', 'mode http', 'timeout client 1s', 'frontend fe', 'bind 127.0.0.1:1', line, '']
    writeFileSync(join(dir, 'haproxy.cfg'), text.join('\n'))
    // It stops at the first such error, hence a run for each.
    return spawnSync(findHaproxy() ?? '', ['-c', '-f', 'haproxy.cfg'], { cwd: dir }).status !== 0
  }
  try {
    assert.equal(theirs('http-request set-var(txn.x) path'), false)
    const wrong = cases.flatMap(({ line, refused }) => {
      const [haproxy, ours] = [theirs(line), refused()]
      return haproxy && ours ? [] : [`${line}: refused by haproxy ${haproxy}, by us ${ours}`]
    })
    assert.deepEqual(wrong, [])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
