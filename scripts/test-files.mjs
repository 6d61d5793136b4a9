// Runs test files, a few at a time, each in a process group of its own: what a file leaves behind ends with it, and a file
// that does not end is killed, fails, and says which of its tests were running. (`node --test` waits for ever for a file
// whose loop goes on behind a test that timed out, or whose output a left process keeps open.)
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Found from wherever a test goes. */
const reporter = new URL('reporter.mjs', import.meta.url).href

/** Milliseconds that a file may take; the slowest take a sixth of it. */
const limit = 240_000

/** A file that lives longer than this behind its last test, in milliseconds, has left a timer or a socket open: it is told. */
const patience = 1500

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`

class FileReport {
  passed = 0
  skipped = 0
  duration = 0
  failures = []
  #running = []
  #lastAt
  #lingered = 0
  /** All its tests have ended: one that leaves the process takes those behind it with it. */
  #over = false

  constructor(path) {
    this.path = path
  }

  /** What the reporter of the file wrote; its last line may be cut. */
  read(text) {
    for (const line of text.split('\n').slice(0, -1)) this.#add(JSON.parse(line))
  }

  #add({ began, ended, at, duration = 0, passed, skipped, failure, over = false }) {
    this.#over ||= over
    this.#lastAt = at ?? this.#lastAt
    if (began !== undefined) this.#running.push(began)
    else if (this.#running.includes(ended)) this.#running.splice(this.#running.indexOf(ended), 1)
    this.duration += duration
    if (passed === true) this.passed++
    if (skipped === true) this.skipped++
    if (failure !== undefined) this.failures.push(failure)
  }

  /** How the process ended: what no test told is a failure, too. */
  close({ code, signal, late }) {
    if (this.#lastAt !== undefined) this.#lingered = Date.now() - this.#lastAt
    const running = this.#running.length === 0 ? 'none was told' : this.#running.join(' > ')
    if (late) this.failures.push(`\n     did not end within ${seconds(limit)}; running: ${running}\n`)
    else if ((code !== 0 || !this.#over) && this.failures.length === 0) {
      this.failures.push(`\n     ended with ${signal ?? code}; running: ${running}\n`)
    } else if (this.passed + this.skipped + this.failures.length === 0)
      this.failures.push('\n     has no test\n')
  }

  get line() {
    const counts = [`${this.passed} passed`]
    if (this.skipped > 0) counts.push(`${this.skipped} skipped`)
    if (this.failures.length > 0) counts.push(`${this.failures.length} FAILED`)
    const verdict = this.failures.length > 0 ? 'FAIL' : 'ok  '
    const lingered = this.#lingered > patience ? `, and ${seconds(this.#lingered)} until it ended` : ''
    return `${verdict} ${this.path} (${counts.join(', ')}, ${seconds(this.duration)}${lingered})`
  }
}

/** The process groups that run now. */
const groups = new Set()

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody of it is left.
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const pid of groups) killGroup(pid)
    process.exit(1)
  })
}

/** Runs one file to its end. Resolves with what it told. */
function runFile(path, node) {
  const report = new FileReport(path)
  const events = resolve('.build/reports', `${path.replaceAll('/', '-')}.jsonl`)
  rmSync(events, { force: true })
  const args = ['--enable-source-maps', `--test-reporter=${reporter}`]
  args.push(`--test-reporter-destination=${events}`, join('.build', path.replace(/\.ts$/, '.js')))
  const child = spawn(node, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  groups.add(child.pid)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text))
  let late = false
  const timer = setTimeout(() => {
    late = true
    killGroup(child.pid)
  }, limit)
  return new Promise((resolve) => {
    // Not 'close': a daemon outside the group may hold the pipes open.
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      killGroup(child.pid)
      groups.delete(child.pid)
      setImmediate(() => {
        child.stdout.destroy()
        child.stderr.destroy()
        report.read(readEvents(events))
        report.close({ code, signal, late })
        resolve({ report, output })
      })
    })
  })
}

function readEvents(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/**
 * Runs the files and prints a line for each when it ends, and at the end every failure whole, so that the last lines of
 * any log say what is wrong. `weightOf` says how much of `capacity` a file takes while it runs. Resolves with the paths of
 * the files in which something failed.
 */
export async function runFiles(paths, { node, capacity, weightOf }) {
  mkdirSync('.build/reports', { recursive: true })
  const waiting = [...paths]
  const results = []
  let used = 0
  await new Promise((resolve) => {
    const next = () => {
      if (waiting.length === 0 && used === 0) return resolve()
      while (waiting.length > 0 && (used === 0 || used + weightOf(waiting[0]) <= capacity))
        void begin(waiting.shift())
    }
    const begin = async (path) => {
      used += weightOf(path)
      const result = await runFile(path, node)
      console.log(result.report.line)
      results.push(result)
      used -= weightOf(path)
      next()
    }
    next()
  })
  printSummary(results)
  return results.filter(({ report }) => report.failures.length > 0).map(({ report }) => report.path)
}

function printSummary(results) {
  const sum = (count) => results.reduce((total, { report }) => total + count(report), 0)
  for (const { report, output } of results) {
    for (const failure of report.failures) console.log(`\nFAIL ${report.path}${failure}`)
    if (report.failures.length > 0 && output !== '') console.log(`\noutput of ${report.path}:\n${output}`)
  }
  const counts = `${sum((file) => file.passed)} passed, ${sum((file) => file.skipped)} skipped`
  console.log(`\n${counts}, ${sum((file) => file.failures.length)} failed, in ${results.length} files\n`)
}
