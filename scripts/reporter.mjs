// How test runs are told: a line per file while they go on, and at the end every failure whole, so that the last lines
// of any log say what is wrong. `failedFiles` is a second reporter, for scripts: a path per line.
import { relative } from 'node:path'
import { inspect } from 'node:util'

const isLeaf = ({ data }) => data.details?.type !== 'suite'
/** A parent that failed only because of its children says nothing new. */
const isCause = ({ data }) => data.details?.error?.failureType !== 'subtestsFailed'
const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`

/** `test/agent/x.test.ts`, whether the runner names the source or what was compiled from it. */
function sourcePath(file) {
  if (file === undefined) return '(unknown file)'
  const path = relative(process.cwd(), file.replace(/^file:\/\//, ''))
  return path.replace(/^\.build\//, '').replace(/\.js$/, '.ts')
}

class FileReport {
  passed = 0
  skipped = 0
  failures = []
  /** What it printed: of interest when it fails. */
  output = ''
  duration = 0

  add(event) {
    const { details, skip, todo } = event.data
    if (event.data.nesting === 0) this.duration += details.duration_ms
    if (event.type === 'test:fail' && todo === undefined) {
      if (isCause(event)) this.failures.push(event.data)
    } else if (!isLeaf(event)) return
    else if (skip === undefined && todo === undefined) this.passed++
    else this.skipped++
  }

  line(path) {
    const counts = [`${this.passed} passed`]
    if (this.skipped > 0) counts.push(`${this.skipped} skipped`)
    if (this.failures.length > 0) counts.push(`${this.failures.length} FAILED`)
    return `${this.failures.length > 0 ? 'FAIL' : 'ok  '} ${path} (${counts.join(', ')}, ${seconds(this.duration)})\n`
  }
}

function describe(path, { name, line, details }) {
  const { error } = details
  const cause = inspect(error.cause ?? error, { depth: 5, breakLength: 120 })
  return `\nFAIL ${path}${line === undefined ? '' : `:${line}`}\n     ${name}\n${cause.replace(/^/gm, '     ')}\n`
}

/** The human reporter. */
export default async function* report(source) {
  const files = new Map()
  const of = (file) => {
    const path = sourcePath(file)
    if (!files.has(path)) files.set(path, new FileReport())
    return files.get(path)
  }
  let current
  for await (const event of source) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr')
      of(event.data.file).output += event.data.message
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const path = sourcePath(event.data.file)
    of(event.data.file).add(event)
    if (current !== undefined && current !== path) yield files.get(current).line(current)
    current = path
  }
  if (current !== undefined) yield files.get(current).line(current)
  yield* summary(files)
}

function* summary(files) {
  let passed = 0
  let skipped = 0
  let failed = 0
  for (const [path, file] of files) {
    passed += file.passed
    skipped += file.skipped
    failed += file.failures.length
    for (const failure of file.failures) yield describe(path, failure)
    if (file.failures.length > 0 && file.output !== '') yield `\noutput of ${path}:\n${file.output}`
  }
  yield `\n${passed} passed, ${skipped} skipped, ${failed} failed, in ${files.size} files\n`
}

/** The paths of the test files in which something failed, a line each. */
export async function* failedFiles(source) {
  const seen = new Set()
  for await (const { type, data } of source) {
    if (type !== 'test:fail' || data.todo !== undefined) continue
    const path = sourcePath(data.file)
    if (!seen.has(path)) yield `${path}\n`
    seen.add(path)
  }
}
