/** `sluice check --for haproxy` and `haproxy -c` judge alike. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { examine } from '#src/cli/check.js'
import type { Diagnostic } from '#src/config/index.js'
import { findHaproxy, skipWithoutHaproxy } from '../support/haproxy.ts'
import { lintCases, textsOf } from '../lint/cases.ts'
import { makeFolder } from '../support/sluice.ts'
import { agreed, base, refusedOnlyHere, spoeAgreed } from './config-cases.ts'
import { lacking, refused, spoeLacking, spoeRefused, tolerated } from './check-haproxy-cases.ts'

const skip = skipWithoutHaproxy()
const program = findHaproxy() ?? 'haproxy'

/** The indented lines of a case stand in a section of the base; others replace it. */
const whole = (text: string): string => (text.startsWith(' ') ? `${base}${text}\n` : `${text}\n`)

const filterLine = (
  spoe: string,
): string => `${base}  filter spoe ${spoe.startsWith('[engine]') ? 'engine engine ' : ''}config spoe.conf
backend agents
  mode tcp
`

interface Case {
  readonly text: string
  readonly spoe?: string
}

/** Those of the reader's own comparison that have to do with what sluice lacks. */
const lackingHere = refusedOnlyHere.filter(([, code]) => code.endsWith('_UNSUPPORTED')).map(([text]) => text)

const texts = [...agreed, ...lackingHere, ...lacking, ...tolerated, ...refused]
const spoeTexts = [...spoeAgreed, ...spoeLacking, ...spoeRefused]
const cases: readonly Case[] = [
  ...texts.map((text) => ({ text: whole(text) })),
  ...spoeTexts.map((spoe) => ({ text: filterLine(spoe), spoe: `${spoe}\n` })),
]

const folder = makeFolder(
  Object.fromEntries(
    cases.flatMap(({ text, spoe }, at) => [
      [`${at}/haproxy.cfg`, text] as const,
      ...(spoe === undefined ? [] : [[`${at}/spoe.conf`, spoe] as const]),
    ]),
  ),
)
const home = process.cwd()
after(() => {
  process.chdir(home)
  folder.remove()
})

async function askHaproxy(cwd: string): Promise<{ accepted: boolean; output: string }> {
  const child = spawn(program, ['-c', '-f', 'haproxy.cfg'], { cwd })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part) => (output += part))
  await once(child, 'close')
  // 2.6.12 crashes behind this line, on its way out, when a SPOE agent lists no messages.
  return {
    accepted: output.includes('Configuration file is valid') || output.includes('(no listener)'),
    output,
  }
}

function askSluice(cwd: string): Diagnostic[] {
  process.chdir(cwd)
  return examine(['haproxy.cfg'], { for: 'haproxy' })
}

const isRefused = (list: readonly Diagnostic[]): boolean => list.some(({ severity }) => severity === 'error')

test('what HAProxy refuses is an error, and what only sluice lacks is none', { skip }, async () => {
  assert.ok(lacking.length + refused.length > 100, 'enough cases')
  const surprises: string[] = []
  const queue = [...cases.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [at, { text, spoe = '' }] = next
      const cwd = join(folder.dir, String(at))
      const { accepted, output } = await askHaproxy(cwd)
      const list = askSluice(cwd)
      if (isRefused(list) !== accepted) continue
      const ours = list.map(({ severity, code, message }) => `${severity} ${code} ${message}`).join('\n')
      surprises.push(`${text}${spoe}--- HAProxy:\n${output}--- sluice:\n${ours}`)
    }
  }
  await Promise.all([worker(), worker(), worker()])
  assert.equal(surprises.length, 0, `${surprises.length}\n${surprises.join('\n=====\n')}`)
})

test('what the rules complain about is valid for HAProxy', { skip }, async () => {
  for (const each of lintCases) {
    const { config, spoe } = textsOf(each)
    const { dir, remove } = makeFolder({ 'haproxy.cfg': config, 'waf.conf': spoe })
    const { accepted, output } = await askHaproxy(dir)
    remove()
    assert.ok(accepted, `${each.what}\n${output}`)
  }
})

test('a frame may be as great as tune.bufsize lets it be', { skip }, async () => {
  const texts = textsOf({ what: '', codes: [], config: [['  log', '  tune.bufsize 65536\n  log']] })
  for (const [size, isTaken] of [
    [65532, true],
    [65533, false],
  ] as const) {
    const spoe = texts.spoe.replace('  use-backend', `  max-frame-size ${size}\n  use-backend`)
    const { dir, remove } = makeFolder({ 'haproxy.cfg': texts.config, 'waf.conf': spoe })
    const { accepted, output } = await askHaproxy(dir)
    assert.equal(accepted, isTaken, output)
    assert.equal(isRefused(askSluice(dir)), !isTaken)
    process.chdir(home)
    remove()
  }
})
