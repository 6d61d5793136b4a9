/** Where HAProxy says that a fetch is never there, sluice does, and nowhere else: every fetch in every kind of rule. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { compileCondition } from '#src/sample/index.js'
import type { Checkpoint } from '#src/sample/index.js'
import { fetches } from '#src/sample/fetches/registry.js'
import { findHaproxy, skipWithoutHaproxy } from '../support/haproxy.ts'
import { compileContext, complaints, words } from '../support/sample-stream.ts'

const skip = skipWithoutHaproxy()

interface PlaceOfRules {
  readonly section: 'frontend' | 'backend'
  readonly mode: 'tcp' | 'http'
  readonly rule: string
  readonly checkpoint: Checkpoint
}

const places: readonly PlaceOfRules[] = [
  {
    section: 'frontend',
    mode: 'tcp',
    rule: 'tcp-request connection reject',
    checkpoint: 'tcp-request-connection',
  },
  { section: 'frontend', mode: 'tcp', rule: 'tcp-request session reject', checkpoint: 'tcp-request-session' },
  { section: 'frontend', mode: 'tcp', rule: 'tcp-request content reject', checkpoint: 'tcp-request-content' },
  { section: 'frontend', mode: 'tcp', rule: 'use_backend other', checkpoint: 'backend-switching' },
  {
    section: 'frontend',
    mode: 'http',
    rule: 'tcp-request content reject',
    checkpoint: 'tcp-request-content',
  },
  { section: 'frontend', mode: 'http', rule: 'http-request deny', checkpoint: 'http-request' },
  { section: 'frontend', mode: 'http', rule: 'use_backend other', checkpoint: 'backend-switching' },
  { section: 'frontend', mode: 'http', rule: 'http-response deny', checkpoint: 'http-response' },
  {
    section: 'frontend',
    mode: 'http',
    rule: 'http-after-response del-header x',
    checkpoint: 'http-after-response',
  },
  { section: 'backend', mode: 'tcp', rule: 'tcp-request content reject', checkpoint: 'tcp-request-content' },
  {
    section: 'backend',
    mode: 'tcp',
    rule: 'tcp-response content reject',
    checkpoint: 'tcp-response-content',
  },
  { section: 'backend', mode: 'tcp', rule: 'use-server s1', checkpoint: 'server-switching' },
  { section: 'backend', mode: 'http', rule: 'http-request deny', checkpoint: 'http-request' },
  { section: 'backend', mode: 'http', rule: 'http-response deny', checkpoint: 'http-response' },
  {
    section: 'backend',
    mode: 'http',
    rule: 'http-after-response del-header x',
    checkpoint: 'http-after-response',
  },
]

/** Arguments for fetches that cannot do without. */
const samples: Readonly<Record<string, string>> = {
  bool: 'bool(1)',
  int: 'int(1)',
  str: 'str(a)',
  bin: 'bin(00)',
  ipv4: 'ipv4(192.0.2.1)',
  ipv6: 'ipv6(::1)',
  meth: 'meth(GET)',
  'capture.req.hdr': 'capture.req.hdr(0)',
  'capture.res.hdr': 'capture.res.hdr(0)',
  env: 'env(HOME)',
  var: 'var(txn.a)',
  payload: 'payload(0,1)',
  'req.payload': 'req.payload(0,1)',
  'res.payload': 'res.payload(0,1)',
  payload_lv: 'payload_lv(0,1)',
  'req.payload_lv': 'req.payload_lv(0,1)',
  'res.payload_lv': 'res.payload_lv(0,1)',
}

const expressions = fetches
  .flatMap((spec) => [spec.name, ...(spec.aliases ?? [])])
  .map((name) => samples[name] ?? name)

/** `hdr` and the like are ACL keywords, too, which are of requests only: a converter makes fetches of them. */
const condition = (expression: string): string => `if { ${expression} -m found }`

test('a fetch is never there where HAProxy says so', { skip }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sample-contexts-'))
  const lines = ['defaults', 'timeout client 1s', 'timeout server 1s', 'timeout connect 1s']
  const tried: { line: number; place: PlaceOfRules; expression: string }[] = []
  for (const [at, place] of places.entries()) {
    lines.push(`${place.section} s${at}`, `mode ${place.mode}`)
    lines.push(place.section === 'frontend' ? `bind 127.0.0.1:${at + 1}` : 'server s1 127.0.0.1:1')
    for (const expression of expressions)
      tried.push({ line: lines.push(`${place.rule} ${condition(expression)}`), place, expression })
  }
  lines.push('backend other', 'mode http', '')
  let output = ''
  try {
    writeFileSync(join(dir, 'haproxy.cfg'), lines.join('\n'))
    output = spawnSync(findHaproxy() ?? '', ['-c', '-f', 'haproxy.cfg'], {
      cwd: dir,
      encoding: 'latin1',
    }).stderr
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  const warned = new Set(
    [...output.matchAll(/haproxy\.cfg:(\d+)\] : (?:anonymous )?acl .*will never match/g)].map((match) =>
      Number(match[1]),
    ),
  )
  assert.ok(warned.size > 100, output)
  const differences = tried.flatMap(({ line, place, expression }) => {
    const { checkpoint, mode, section } = place
    const context = compileContext({ checkpoint, mode, isBackend: section === 'backend' })
    const compiled = compileCondition(words(condition(expression)), context)
    assert.notEqual(compiled, undefined, `${expression}: ${complaints(context).join('\n')}`)
    const ours = complaints(context).some((each) => each.includes('never matches here'))
    if (ours === warned.has(line)) return []
    // It says so of these two, and then they match.
    if (expression.startsWith('payload') && place.rule.includes('response')) return []
    return [
      `${mode} ${section}, ${place.rule}: ${expression}: never there for ${ours ? 'us' : 'haproxy'} only`,
    ]
  })
  assert.deepEqual(differences, [], `${differences.join('\n')}\n`)
})
