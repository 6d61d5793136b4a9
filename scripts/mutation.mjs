// npm run mutation: Stryker changes src/bytes and src/spop one expression at a time, and the tests must notice.
// It works in a copy of what is needed (.cache/mutation), on a Node.js that Stryker supports, both brought by npm.
//   --concurrency N   mutants at a time (default 1)
//   --mutate GLOB     other files than all of both folders
// The report is .cache/mutation/reports/mutation.json; survivors are printed, and the exit code says whether the score
// was reached.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { nodePath } from './test-nodes.mjs'

const strykerVersion = '10.1.1'
const leastScore = 85

const { values } = parseArgs({
  options: {
    concurrency: { type: 'string', default: '1' },
    mutate: { type: 'string', multiple: true, default: ['src/bytes/**/*.ts', 'src/spop/**/*.ts'] },
  },
})

const project = resolve('.cache/mutation')
/** Tests that start other processes see no mutant, and would only cost time. */
const isUseful = (path) => !/fuzz\.test\.ts$|captures\.test\.ts$/.test(path)

function stryker() {
  const prefix = resolve('.cache', `stryker-${strykerVersion}`)
  const path = join(prefix, 'node_modules/@stryker-mutator/core/bin/stryker.js')
  if (!existsSync(path)) {
    mkdirSync(prefix, { recursive: true })
    const core = `@stryker-mutator/core@${strykerVersion}`
    const args = [
      'install',
      '--prefix',
      prefix,
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--engine-strict=false',
      core,
    ]
    execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return path
}

function copy(path) {
  cpSync(path, join(project, path), { recursive: true, filter: isUseful })
}

function testFiles(folder) {
  return readdirSync(join(project, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.test.ts'))
    .map((entry) => relative(project, join(entry.parentPath, entry.name)))
    .sort()
}

/** One process imports every test, and ends at the first that fails. */
function writeRunner() {
  const files = ['test/bytes', 'test/spop', 'test/wire'].flatMap(testFiles)
  const slow = (path) => Number(path.includes('properties'))
  files.sort((a, b) => slow(a) - slow(b))
  const imports = files.map((path) => `import './.build/${path.replace(/\.ts$/, '.js')}'`)
  writeFileSync(join(project, 'all.mjs'), `${imports.join('\n')}\n`)
  writeFileSync(
    join(project, 'build.mjs'),
    [
      "import { execFileSync } from 'node:child_process'",
      "for (const path of ['tsconfig.json', 'tsconfig.test.json']) {",
      "  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', path], { stdio: 'inherit' })",
      '}',
      '',
    ].join('\n'),
  )
  writeFileSync(
    join(project, 'bail.mjs'),
    [
      'export default async function* bail(source) {',
      '  for await (const event of source) {',
      "    if (event.type !== 'test:fail') continue",
      '    process.exitCode = 1',
      '    yield `${event.data.name}: ${event.data.details.error.message}\\n`',
      '    process.exit(1)',
      '  }',
      '}',
      '',
    ].join('\n'),
  )
}

function writeConfig(node) {
  writeFileSync(
    join(project, 'stryker.config.json'),
    JSON.stringify({
      testRunner: 'command',
      commandRunner: { command: `${node} --test-reporter=./bail.mjs all.mjs` },
      buildCommand: `${node} build.mjs`,
      mutate: values.mutate,
      inPlace: true,
      concurrency: Number(values.concurrency),
      // Generous, because the machine is shared: a mutant that is merely slow must not count as found.
      timeoutMS: 20_000,
      reporters: ['json', 'clear-text', 'progress-append-only'],
      clearTextReporter: { allowColor: false, logTests: false, allowEmojis: false },
      jsonReporter: { fileName: 'reports/mutation.json' },
      tempDirName: '.stryker-tmp',
      allowEmpty: false,
    }),
  )
}

function prepare(node) {
  rmSync(project, { recursive: true, force: true })
  mkdirSync(project, { recursive: true })
  for (const path of ['package.json', 'tsconfig.base.json', 'tsconfig.json', 'docs/spop-states.md'])
    copy(path)
  for (const path of ['src/bytes', 'src/spop', 'test/bytes', 'test/spop', 'test/wire']) copy(path)
  for (const path of ['hex', 'plain-frame']) copy(`test/support/${path}.ts`)
  for (const name of readdirSync('src')) if (name.endsWith('.ts')) copy(`src/${name}`)
  const test = JSON.parse(readFileSync('tsconfig.test.json', 'utf8'))
  writeFileSync(join(project, 'tsconfig.test.json'), JSON.stringify({ ...test, include: ['test'] }))
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'))
  writeRunner()
  writeConfig(node)
}

/** Killed and timed out ones were found; those that do not compile or were ignored do not count. */
function summary() {
  const { files } = JSON.parse(readFileSync(join(project, 'reports/mutation.json'), 'utf8'))
  const rows = Object.entries(files).map(([path, { mutants }]) => {
    const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length
    return {
      path,
      found: count('Killed', 'Timeout'),
      timeouts: count('Timeout'),
      survived: count('Survived', 'NoCoverage'),
    }
  })
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  const percent = (found, survived) => ((100 * found) / (found + survived)).toFixed(1)
  for (const { path, found, survived } of rows)
    console.log(`${percent(found, survived).padStart(6)} %  ${path}  ${survived} left`)
  const score = percent(sum('found'), sum('survived'))
  console.log(
    `${score} %: ${sum('found')} found (${sum('timeouts')} by timeout), ${sum('survived')} survived`,
  )
  return Number(score)
}

const node = nodePath(24)
const path = stryker()
prepare(node)
const run = spawnSync(node, [path, 'run', 'stryker.config.json'], { cwd: project, stdio: 'inherit' })
if (run.status !== 0) process.exit(run.status ?? 1)
process.exit(summary() >= leastScore ? 0 : 1)
