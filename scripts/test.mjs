// npm test: installs what the tests need when it may, builds, compiles the tests and runs them all with node:test.
//   --unit          only the tests that need no other program (everything outside test/e2e and test/parity)
//   --node PATH     the node binary that runs the tests (default: this one)
//   WORD…           only test files whose path contains one of the words
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: 'boolean', default: false },
    node: { type: 'string', default: process.execPath },
    'no-build': { type: 'boolean', default: false },
  },
})

const needsPeers = (path) => /^test\/(e2e|parity)\//.test(path)

function testFiles(folder) {
  const found = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) found.push(...testFiles(path))
    else if (entry.name.endsWith('.test.ts')) found.push(path)
  }
  return found.sort()
}

if (!values['no-build']) {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
  if (!existsSync('.build/test')) rmSync('.build/test.tsbuildinfo', { force: true })
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'], { stdio: 'inherit' })
}

const files = testFiles('test')
  .filter((path) => !values.unit || !needsPeers(path))
  .filter((path) => positionals.length === 0 || positionals.some((word) => path.includes(word)))
const env = { ...process.env }
if (files.some(needsPeers)) {
  const { preparePeers } = await import('./peers.mjs')
  Object.assign(env, preparePeers())
}
const compiled = files.map((path) => join('.build', path.replace(/\.ts$/, '.js')))
// Two at a time: most suites wait for other programs, and the machine may have two cores.
const args = ['--enable-source-maps', '--test', '--test-concurrency=2', ...compiled]
const run = spawnSync(values.node, args, { stdio: 'inherit', env })
process.exit(run.status ?? 1)
