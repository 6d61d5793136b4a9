// What a test file tells while it runs, a line of JSON per event, for test-files.mjs. A file that hangs has said by then
// which of its tests began and did not end.
import { inspect } from 'node:util'

const isLeaf = ({ data }) => data.details?.type !== 'suite'
/** A parent that failed because of its children says nothing new, nor does a child that its parent had no more time for. */
const isCause = ({ data }) =>
  !['subtestsFailed', 'cancelledByParent'].includes(data.details?.error?.failureType)

/** Where it failed, and why, whole: the line is that of the source, by its map. */
function describe({ name, line, details }) {
  const { error } = details
  const cause = inspect(error.cause ?? error, { depth: 5, breakLength: 120 })
  return `${line === undefined ? '' : `:${line}`}\n     ${name}\n${cause.replace(/^/gm, '     ')}\n`
}

function told(event) {
  const { type, data } = event
  if (type === 'test:dequeue') return { began: data.name }
  if (type !== 'test:pass' && type !== 'test:fail') return undefined
  const ended = { ended: data.name, at: Date.now() }
  if (data.nesting === 0) ended.duration = data.details.duration_ms
  if (data.todo !== undefined || data.skip !== undefined) ended.skipped = true
  else if (type === 'test:pass') ended.passed = isLeaf(event)
  else if (isCause(event)) ended.failure = describe(data)
  return ended
}

export default async function* report(source) {
  for await (const event of source) {
    const line = told(event)
    if (line !== undefined) yield `${JSON.stringify(line)}\n`
  }
  yield `${JSON.stringify({ over: true })}\n`
}
