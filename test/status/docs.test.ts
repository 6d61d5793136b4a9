/** docs/status.md: its examples compile and run, its tables are those of the code. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, it } from 'node:test'
import { Changes } from '#src/status/changes.js'
import { resolveStatusOptions } from '#src/status/options.js'
import { snapshotOf } from './support.ts'

const page = readFileSync('docs/status.md', 'utf8')
const dir = `.build/docs-status-${process.pid}`
after(() => rmSync(dir, { recursive: true, force: true }))

/** The first cells of a section's table, without their back quotes; a cell may have several. */
function firstCells(heading: string): string[] {
  const section = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? ''
  const cells = [...section.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell)
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
}

it('every example compiles, and runs without an error', () => {
  mkdirSync(dir, { recursive: true })
  const examples = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
  assert.equal(examples.length, 3)
  // They listen where there is room.
  examples.forEach((code, index) => {
    const free = code.replace(/'127\.0\.0\.1:\d+'/g, "'127.0.0.1:0'")
    writeFileSync(`${dir}/example-${index}.ts`, `${free}\nawait agent.close()\n`)
  })
  const options = {
    extends: '../../tsconfig.base.json',
    compilerOptions: { rootDir: '.' },
    include: ['*.ts'],
  }
  writeFileSync(`${dir}/tsconfig.json`, JSON.stringify(options))
  try {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', dir], { encoding: 'utf8' })
  } catch (error) {
    assert.fail((error as { stdout: string }).stdout)
  }
  examples.forEach((_, index) => {
    const run = spawnSync(process.execPath, [`${dir}/example-${index}.js`], { encoding: 'utf8' })
    assert.deepEqual([run.status, run.stderr], [0, ''])
  })
})

it('the options are those of the code, with their defaults', () => {
  assert.deepEqual(firstCells('Options'), Object.keys(orderOf(resolveStatusOptions({}))))
})

/** In the order of the page, which begins with what is wanted most. */
function orderOf(options: object): object {
  const order = [
    'name',
    'verdict',
    'recent',
    'redact',
    'hosts',
    'token',
    'maxPages',
    'mode',
    'processMetrics',
  ]
  assert.deepEqual(Object.keys(options).toSorted(), order.toSorted())
  return Object.fromEntries(order.map((key) => [key, key]))
}

it('the keys of stats.json are those of a snapshot', () => {
  assert.deepEqual(
    firstCells('`/stats.json`').filter((key) => key in snapshotOf([])),
    [
      'snapshot',
      'subject',
      'ready',
      'checks',
      'rows',
      'bounds',
      'inFlight',
      'eventLoopLag',
      'errors',
      'connections',
      'counters',
      'sources',
      'process',
      'verdict',
    ],
  )
  for (const key of Object.keys(snapshotOf([]))) assert.ok(firstCells('`/stats.json`').includes(key), key)
})

it('the paths that change something are told', () => {
  for (const path of Changes.paths) assert.ok(page.includes(`POST ${path}`), path)
})
