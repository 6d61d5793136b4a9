// npm test: installs what the tests need when it may, builds, compiles the tests and runs them all with node:test.
//   --unit          only the tests that need no other program (everything outside test/e2e and test/parity)
//   --node PATH     the node binary that runs the tests (default: this one)
//   --no-build      the tests are compiled already
//   --runtime       with --unit: not those that look at the sources alone, which say the same on every Node.js
//   WORD…           only test files whose path contains one of the words
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { runFiles } from './test-files.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: 'boolean', default: false },
    runtime: { type: 'boolean', default: false },
    node: { type: 'string', default: process.execPath },
    'no-build': { type: 'boolean', default: false },
  },
})

const readsSources = (path) =>
  /^test\/(architecture|public-docs|docs|types\/.*|lint\/.*|config\/(readers|house|registry))\.test\.ts$/.test(
    path,
  )
const needsPeers = (path) => /^test\/(e2e|parity)\//.test(path)

function testFiles(folder) {
  const found = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) found.push(...testFiles(path))
    else if (entry.name.endsWith('.test.ts')) found.push(path)
  }
  return found.sort((a, b) => (a < b ? -1 : 1))
}

/** Runs a script of ours, and ends with its status when it fails. */
function must(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

if (!values['no-build']) {
  must('scripts/build.mjs')
  if (!existsSync('.build/test')) rmSync('.build/test.tsbuildinfo', { force: true })
  must('node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json')
}

const files = testFiles('test')
  .filter((path) => !values.unit || !needsPeers(path))
  .filter((path) => !values.runtime || !readsSources(path))
  .filter((path) => positionals.length === 0 || positionals.some((word) => path.includes(word)))
if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(' ')}`)
  process.exit(1)
}
if (files.some(needsPeers)) {
  const { preparePeers } = await import('./peers.mjs')
  preparePeers()
}
// Most suites wait, and the machine may have two cores; other programs want a core of their own.
const weightOf = (path) => (needsPeers(path) ? 3 : 2)
// The slowest wait for other programs: they begin first.
files.sort((a, b) => weightOf(b) - weightOf(a))
const run = (paths, capacity) => runFiles(paths, { node: values.node, capacity, weightOf })

let failed = await run(files, 6)
// Real programs and real time on a machine that others use, too: what fails among others gets one more try alone, and
// it is said aloud. A fault of ours fails again.
if (failed.length > 0 && failed.length <= 5) {
  console.error(`\nFAILED among others, once more alone: ${failed.join(', ')}\n`)
  failed = await run(failed, 1)
  console.error(failed.length === 0 ? '\nFLAKY: passed alone; look into it.\n' : '\nFAILED again.\n')
}
process.exit(failed.length === 0 ? 0 : 1)
