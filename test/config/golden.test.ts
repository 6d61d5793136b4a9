/**
 * Each test/config/*.txt is a configuration, a line of dashes, and what must come out: diagnostics, then a line of
 * dots and the model (what differs from an empty section). `# engine NAME` in the first line makes it a SPOE file
 * read for that engine, `# spoe` one without scopes. `UPDATE_GOLDEN=1` rewrites what comes out: read the difference.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseConfig, parseSpoeFile } from '#src/config/index.js'
import { summariseConfig, summariseDiagnostics, summariseSpoe } from './summary.ts'

const folder = 'test/config'
const dashes = '\n----------\n'
const env = { MODE: 'http', EMPTY: '', LIST: 'alpha beta  gamma', PORT: '8080' }

function outcome(text: string): string {
  const engine = /^# (?:engine (\S+)|spoe)\n/.exec(text)
  const { diagnostics, ...rest } =
    engine === null
      ? parseConfig({ file: 'test.cfg', text, env })
      : parseSpoeFile(text, 'test.cfg', env, engine[1])
  const model = 'config' in rest ? summariseConfig(rest.config) : summariseSpoe(rest.spoe)
  const said = summariseDiagnostics(diagnostics)
  return `${said === '' ? '' : `${said}\n`}...\n${model}\n`
}

for (const name of readdirSync(folder).filter((each) => each.endsWith('.txt'))) {
  test(`configuration ${name}`, () => {
    const content = readFileSync(`${folder}/${name}`, 'utf8')
    const [text = '', expected = ''] = content.split(dashes)
    const actual = outcome(`${text}\n`)
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(`${folder}/${name}`, `${text}${dashes}${actual}`)
    else assert.equal(actual, expected)
  })
}
