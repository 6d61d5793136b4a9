/**
 * `haproxy -c` and our reader accept and refuse the same files; where we refuse what HAProxy accepts, the reason is a
 * code in the table.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { formatDiagnostic, keywords, ownSince, parseConfig, parseSpoeFile } from '#src/config/index.js'
import type { Diagnostic } from '#src/config/index.js'
import { loadProxy } from 'sluice/proxy'
import { findHaproxy, skipWithoutHaproxy } from '../support/haproxy.ts'
import {
  agreed,
  base,
  compiled,
  idleChecks,
  refusedOnlyHere,
  saidOnce,
  spoeAgreed,
  spoeCompiled,
  spoeRefusedOnlyHere,
} from './config-cases.ts'

const skip = skipWithoutHaproxy()
const program = findHaproxy() ?? 'haproxy'
const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Verdict {
  readonly accepted: boolean
  readonly output: string
}

let asked = 0

async function askHaproxy(text: string, spoe?: string): Promise<Verdict> {
  asked += 1
  const cwd = join(folder, String(asked))
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'haproxy.cfg'), text)
  if (spoe !== undefined) writeFileSync(join(cwd, 'spoe.conf'), spoe)
  const run = spawn(program, ['-c', '-f', 'haproxy.cfg'], { cwd })
  let output = ''
  for (const stream of [run.stdout, run.stderr])
    stream.setEncoding('utf8').on('data', (part) => (output += part))
  await once(run, 'close')
  // 2.6.12 crashes behind this line, on its way out, when a SPOE agent lists no messages.
  const valid = output.includes('Configuration file is valid') || output.includes('(no listener)')
  return { accepted: valid, output }
}

/** Asks about all of `cases`, a few at a time, and fails with the explanations that come back. */
async function compareAll<Case>(
  cases: readonly Case[],
  compare: (each: Case) => Promise<string | undefined>,
): Promise<void> {
  const queue = [...cases]
  const surprises: string[] = []
  const worker = async (): Promise<void> => {
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
      const surprise = await compare(each)
      if (surprise !== undefined) surprises.push(surprise)
    }
  }
  await Promise.all([worker(), worker(), worker()])
  assert.equal(surprises.length, 0, surprises.join('\n=====\n'))
}

function isRefused(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((each) => each.severity === 'error')
}

/** Whether there are errors, all with this code. */
function hasOnly(diagnostics: readonly Diagnostic[], code: string): boolean {
  const errors = diagnostics.filter((each) => each.severity === 'error')
  return errors.length > 0 && errors.every((each) => each.code === code)
}

function explain(text: string, diagnostics: readonly Diagnostic[], verdict: Verdict): string {
  const ours = diagnostics.map(formatDiagnostic).join('\n')
  return `${text}\n--- HAProxy: ${verdict.output}\n--- sluice: ${ours}`
}

/** The indented lines of a case stand in a section of the base; others replace it. */
function whole(text: string): string {
  return text.startsWith(' ') ? `${base}${text}\n` : `${text}\n`
}

test('the same files are accepted and refused', { skip }, () =>
  compareAll(agreed.map(whole), async (text) => {
    const { diagnostics } = parseConfig({ file: 'haproxy.cfg', text, env: process.env })
    const verdict = await askHaproxy(text)
    return isRefused(diagnostics) === verdict.accepted ? explain(text, diagnostics, verdict) : undefined
  }),
)

test('what is refused here only has its code', { skip }, () =>
  compareAll(refusedOnlyHere, async ([part, code]) => {
    const text = whole(part)
    const { diagnostics } = parseConfig({ file: 'haproxy.cfg', text, env: process.env })
    const verdict = await askHaproxy(text)
    const fine = verdict.accepted && hasOnly(diagnostics, code)
    return fine ? undefined : explain(text, diagnostics, verdict)
  }),
)

const spoeMain = (engine: string): string => `listen main
  mode http
  bind 127.0.0.1:8080
  timeout client 1s
  filter spoe ${engine}config spoe.conf
backend agents
  mode tcp
`

async function askBoth(spoe: string): Promise<{ diagnostics: Diagnostic[]; verdict: Verdict }> {
  const scoped = spoe.startsWith('[engine]')
  const verdict = await askHaproxy(spoeMain(scoped ? 'engine engine ' : ''), spoe)
  const { diagnostics } = parseSpoeFile(spoe, 'spoe.conf', process.env, scoped ? 'engine' : undefined)
  return { diagnostics, verdict }
}

test('the same SPOE files are accepted and refused', { skip }, () =>
  compareAll(spoeAgreed, async (text) => {
    const { diagnostics, verdict } = await askBoth(`${text}\n`)
    return isRefused(diagnostics) === verdict.accepted ? explain(text, diagnostics, verdict) : undefined
  }),
)

test('a SPOE file that is refused here only has its code', { skip }, () =>
  compareAll(spoeRefusedOnlyHere, async ([text, code]) => {
    const { diagnostics, verdict } = await askBoth(`${text}\n`)
    const fine = verdict.accepted && hasOnly(diagnostics, code)
    return fine ? undefined : explain(text, diagnostics, verdict)
  }),
)

/** What is read and compiled, as `sluice run` does. */
function load(text: string, spoe?: string): readonly Diagnostic[] {
  const cwd = mkdtempSync(join(folder, 'load-'))
  writeFileSync(join(cwd, 'haproxy.cfg'), text)
  if (spoe !== undefined) writeFileSync(join(cwd, 'spoe.conf'), spoe)
  return loadProxy({ files: ['haproxy.cfg'], cwd, env: process.env }).diagnostics
}

test('the same files are accepted and refused when they are compiled', { skip }, () =>
  compareAll(compiled.map(whole), async (text) => {
    const diagnostics = load(text)
    const verdict = await askHaproxy(text)
    return isRefused(diagnostics) === verdict.accepted ? explain(text, diagnostics, verdict) : undefined
  }),
)

test('the same SPOE files are accepted and refused when they are compiled', { skip }, () =>
  compareAll(spoeCompiled, async (text) => {
    const diagnostics = load(spoeMain(''), `${text}\n`)
    const verdict = await askHaproxy(spoeMain(''), `${text}\n`)
    return isRefused(diagnostics) === verdict.accepted ? explain(text, diagnostics, verdict) : undefined
  }),
)

test('what a wrong line declares is not missed where it is used', () => {
  for (const [text, codes] of saidOnce) {
    const errors = load(whole(text)).filter(({ severity }) => severity === 'error')
    assert.deepEqual(
      errors.map(({ code }) => code),
      codes,
      `${text}\n${errors.map(formatDiagnostic).join('\n')}`,
    )
  }
})

test('rules of checks without effect are warned of', { skip }, async () => {
  await compareAll(idleChecks, async ([text, isWarned]) => {
    const { output } = await askHaproxy(whole(text))
    const ours = load(whole(text))
    const isOurs = ours.some(({ message }) => message.includes("'http-check' has no effect"))
    const isTheirs = output.includes('the rules are ignored')
    if (isTheirs === isWarned && isOurs === isWarned && !isRefused(ours)) return undefined
    return `${text}\n--- HAProxy\n${output}\n--- sluice\n${ours.map(formatDiagnostic).join('\n')}`
  })
})

/** Names that HAProxy lists as registered although using them is an error. */
const removed = new Set(['clitimeout', 'contimeout', 'srvtimeout'])

test('every keyword that HAProxy has registered is known', { skip }, () => {
  const run = spawnSync(program, ['-dKcfg', '-q', '-c', '-f', '/dev/null'], {
    encoding: 'utf8',
  })
  const known = new Set(keywords.flatMap(({ name, sections }) => sections.map((each) => `${each} ${name}`)))
  const families = new Set([...known].map((each) => each.split(' ').slice(0, 2).join(' ')))
  let section = ''
  let seen = 0
  for (const line of `${run.stdout}${run.stderr}`.split('\n')) {
    if (/^\S/.test(line)) section = line.trim()
    const name = registeredName(line, section)
    if (name === undefined || removed.has(name.replace(/^\S+ /, ''))) continue
    seen += 1
    const places = name.startsWith('listen ') ? [name, name.replace('listen', 'backend')] : [name]
    assert.ok(
      places.some((place) => known.has(place) || families.has(place)),
      `HAProxy knows '${name}'`,
    )
  }
  assert.ok(seen > 300, `${seen} keywords were listed`)
})

/** Actions of TCP rules that HAProxy reads without a table. */
const unlisted =
  /^tcp-(request|response) \S+ (accept|reject|capture|close|expect-\S+|track-sc\d)$|inspect-delay$/

test('no rule set has an action that it has not in HAProxy', { skip }, () => {
  const { stdout, stderr } = spawnSync(program, ['-dKcfg', '-q', '-c', '-f', '/dev/null'], {
    encoding: 'utf8',
  })
  const listed = new Set(`${stdout}${stderr}`.split('\n').map((line) => line.trim().replace(/\*$/, '')))
  const rules = keywords.filter(({ name }) => /^(tcp|http)-(request|response|after-response) /.test(name))
  assert.ok(rules.length > 150, `${rules.length} rules`)
  for (const { name, since } of rules) {
    if (unlisted.test(name) || since === ownSince) continue
    assert.ok(listed.has(name.replace(/track-sc\d$/, 'track-sc')), `HAProxy does not know '${name}'`)
  }
})

/** `section name` of a line of `haproxy -dK`, or undefined when it is not about one of our sections. */
function registeredName(line: string, section: string): string | undefined {
  const text = /^\t(.+)$/.exec(line)?.[1]?.trim()
  if (text === undefined || !['global', 'listen'].includes(section)) return undefined
  const [first = '', second = '', third = ''] = text
    .replace(/^bind <addr> ssl (?=\S)/, 'bind <addr> ')
    .split(' ')
  if (first === 'bind') return `bind ${third}`
  if (first === 'server') return `server ${text.split(' ')[3] ?? ''}`
  const name = text.replace(/ \[.*/, '').replace(/\*$/, '')
  // Several names in one: track-sc0, track-sc1 and so on.
  if (second.startsWith('track-sc') || third.startsWith('track-sc')) return undefined
  return `${section} ${name}`
}
