// npm run mutation: Stryker changes the sources of a room one expression at a time, and the tests must notice.
// It works in a copy of what is needed (.cache/mutation), on a Node.js that Stryker supports, both brought by npm.
//   --room NAME       codec (src/bytes, src/spop), http1, engine or stream (src/proxy/stream); all of them when not given
//   --sample N        about so many mutants of each room, on lines that --seed chooses: all of them take hours
//   --seed N          (default 1)
//   --concurrency N   mutants at a time (default 1)
//   --mutate GLOB     other files than those of the room
// Which tests a mutant is shown: scripts/mutation/run-tests.mjs.
// The report is .cache/mutation/reports/NAME.json; survivors are printed, and the exit code says whether the score was
// reached.
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

/**
 * What is changed, what it needs, and what must notice. Tests that start other processes see no mutant, and would only cost
 * time.
 */
const rooms = {
  codec: {
    mutate: ['src/bytes', 'src/spop'],
    sources: ['src/bytes', 'src/spop'],
    tests: ['test/bytes', 'test/spop', 'test/wire'],
    others: ['test/support/hex.ts', 'test/support/plain-frame.ts', 'docs/spop-states.md'],
    skipped: /fuzz\.test\.ts$|captures\.test\.ts$/,
    leastScore: 85,
  },
  http1: {
    mutate: ['src/http1'],
    sources: ['src/bytes', 'src/http1'],
    tests: ['test/http1'],
    others: [],
    skipped: /fuzz\.test\.ts$/,
    leastScore: 80,
  },
  engine: {
    mutate: ['src/engine'],
    sources: ['src/bytes', 'src/spop', 'src/engine'],
    tests: ['test/engine'],
    others: [
      'test/support/black-hole.ts',
      'test/support/captures.ts',
      'test/support/hex.ts',
      'test/support/ports.ts',
      'test/support/until.ts',
      'test/vectors/captures',
    ],
    // agent-pair wants an agent; docs and the captures of fuzz want the whole repository.
    skipped: /fuzz\.test\.ts$|agent-pair\.test\.ts$|docs\.test\.ts$/,
    leastScore: 80,
  },
  stream: {
    mutate: ['src/proxy/stream'],
    sources: ['src'],
    tests: ['test/proxy'],
    others: [
      'test/support',
      'test/fcgi/support.ts',
      'test/engine/scripted-agent.ts',
      'test/vectors/captures',
      ...['cases.ts', 'known.ts', 'lines.ts', 'lines.txt', 'origin.ts', 'play.ts'].map(
        (name) => `test/parity/log-${name}`,
      ),
    ],
    skipped: /(?:chaos|load|log-outputs)\.test\.ts$/,
    leastScore: 80,
  },
}

const { values } = parseArgs({
  options: {
    room: { type: 'string', multiple: true, default: Object.keys(rooms) },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '1' },
    mutate: { type: 'string', multiple: true },
  },
})

const project = resolve('.cache/mutation')

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

function copy(path, skipped = /^$/) {
  cpSync(path, join(project, path), { recursive: true, filter: (each) => !skipped.test(each) })
}

function testFiles(folder) {
  return readdirSync(join(project, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.test.ts'))
    .map((entry) => relative(project, join(entry.parentPath, entry.name)))
    .sort()
}

/** What Stryker runs: once to build, then for each mutant. */
function writeRunner({ tests }) {
  writeFileSync(join(project, 'tests.json'), JSON.stringify({ files: tests.flatMap(testFiles) }))
  for (const name of ['run-tests.mjs', 'reach.mjs', 'bail.mjs'])
    cpSync(join('scripts/mutation', name), join(project, name))
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
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
function* randoms(seed) {
  for (let state = seed; ;) {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    yield ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A sample is made of windows: lines that stand together, so that a block may be among its mutants. */
const windowSize = 8
/** What lies within a window, as a rule. */
const mutantsPerWindow = 11

function sampled(folders, count) {
  const windows = folders
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('/index.ts'))
    .sort()
    .flatMap((path) => {
      const lines = readFileSync(path, 'utf8').split('\n').length
      return Array.from({ length: Math.ceil(lines / windowSize) }, (_, index) => {
        return `${path}:${index * windowSize + 1}-${(index + 1) * windowSize}`
      })
    })
  const random = randoms(Number(values.seed))
  const chosen = []
  while (chosen.length < Math.ceil(count / mutantsPerWindow) && windows.length > 0) {
    chosen.push(...windows.splice(Math.floor(random.next().value * windows.length), 1))
  }
  return chosen.sort((a, b) => (a < b ? -1 : 1))
}

function mutateOf({ mutate }) {
  if (values.mutate !== undefined) return values.mutate
  return values.sample === undefined
    ? mutate.map((folder) => `${folder}/**/*.ts`)
    : sampled(mutate, Number(values.sample))
}

function writeConfig(node, name, room) {
  writeFileSync(
    join(project, 'stryker.config.json'),
    JSON.stringify({
      testRunner: 'command',
      commandRunner: { command: `${node} run-tests.mjs` },
      buildCommand: `${node} build.mjs`,
      mutate: mutateOf(room),
      inPlace: true,
      concurrency: Number(values.concurrency),
      // run-tests.mjs has limits of its own, for each file.
      timeoutMS: 600_000,
      dryRunTimeoutMinutes: 20,
      reporters: ['json', 'clear-text', 'progress-append-only'],
      clearTextReporter: { allowColor: false, logTests: false, allowEmojis: false },
      jsonReporter: { fileName: reportOf(name) },
      tempDirName: '.stryker-tmp',
      allowEmpty: false,
    }),
  )
}

const reportOf = (name) => `reports/${name}.json`

function prepare(node, name) {
  const room = rooms[name]
  for (const path of ['src', 'test', 'dist', '.build', 'docs'])
    rmSync(join(project, path), { recursive: true, force: true })
  mkdirSync(project, { recursive: true })
  for (const path of ['package.json', 'tsconfig.base.json', 'tsconfig.json', ...room.others]) copy(path)
  for (const path of [...room.sources, ...room.tests]) copy(path, room.skipped)
  for (const leaf of ['src/index.ts', 'src/base', 'src/net']) copy(leaf)
  const test = JSON.parse(readFileSync('tsconfig.test.json', 'utf8'))
  writeFileSync(join(project, 'tsconfig.test.json'), JSON.stringify({ ...test, include: ['test'] }))
  if (!existsSync(join(project, 'node_modules')))
    symlinkSync(resolve('node_modules'), join(project, 'node_modules'))
  writeRunner(room)
  writeConfig(node, name, room)
}

/** Killed and timed out ones were found; those that do not compile or were ignored do not count. */
function summary(name) {
  const { files } = JSON.parse(readFileSync(join(project, reportOf(name)), 'utf8'))
  const rows = Object.entries(files).map(([path, { mutants }]) => {
    const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length
    const late = mutants.filter(({ status, statusReason = '' }) => {
      return status === 'Timeout' || (status === 'Killed' && statusReason.startsWith('timeout'))
    })
    return {
      path,
      found: count('Killed', 'Timeout'),
      timeouts: late.length,
      survived: count('Survived', 'NoCoverage'),
    }
  })
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  const percent = (found, survived) => ((100 * found) / (found + survived)).toFixed(1)
  for (const { path, found, survived } of rows)
    console.log(`${percent(found, survived).padStart(6)} %  ${path}  ${survived} left`)
  const score = percent(sum('found'), sum('survived'))
  console.log(
    `${name}: ${score} %: ${sum('found')} found (${sum('timeouts')} by timeout), ${sum('survived')} survived`,
  )
  return Number(score)
}

const node = nodePath(24)
const path = stryker()
let reached = true
for (const name of values.room) {
  if (rooms[name] === undefined)
    throw new Error(`no room ${name}; there are ${Object.keys(rooms).join(', ')}`)
  prepare(node, name)
  const run = spawnSync(node, [path, 'run', 'stryker.config.json'], { cwd: project, stdio: 'inherit' })
  if (run.status !== 0) process.exit(run.status ?? 1)
  reached = summary(name) >= rooms[name].leastScore && reached
}
process.exit(reached ? 0 : 1)
