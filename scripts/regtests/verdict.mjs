// What VTest's exit code and log say: pass, skip, missing (sluice does not have it), differs (on purpose) or fail, and why.
import { onPurpose } from './on-purpose.mjs'

/** Errors about things that sluice does not have. Any other error is a file that HAProxy takes and sluice refuses. */
const missing = /\bnot implemented$|\bnot supported$/

/** `{ verdict, reason }`; `reason` is the first thing that is missing or different, `errors` all of the configuration. */
export function readVerdict(test, code, log, isSluice) {
  if (code === 0) return { verdict: 'pass', reason: '' }
  if (code === 77) return { verdict: 'skip', reason: skippedFor(log) }
  const errors = diagnosticsOf(log)
  if (errors.length > 0) {
    const different = errors.find((message) => !missing.test(message))
    return { verdict: different === undefined ? 'missing' : 'fail', reason: different ?? errors[0], errors }
  }
  if (waitsForCommands(log))
    return { verdict: 'missing', reason: 'the runtime API (stats socket, master CLI)' }
  const reason =
    firstComplaint(log) ?? (log.includes('TIMED OUT') ? 'it waits without end' : `vtest ended with ${code}`)
  const known = isSluice ? onPurpose.get(test) : undefined
  return known?.reason.test(reason) === true
    ? { verdict: 'differs', reason: `on purpose: ${known.why}` }
    : { verdict: 'fail', reason }
}

/** What `sluice run` said before it gave up, each once. */
function diagnosticsOf(log) {
  const lines = log.matchAll(/^\*+ +h\w* +debug\|[^\n]*?:\d+:\d+: error: (.*) \(\w+\)$/gm)
  return [...new Set([...lines].map(([, message]) => message))]
}

/** A command was sent, and the connection was never closed by an answer. */
function waitsForCommands(log) {
  const sent = log.match(/^\*+ +h\w* +CLI starting/gm)?.length ?? 0
  const answered = log.match(/^\*+ +h\w* +CLI connection normally closed/gm)?.length ?? 0
  return sent > answered
}

/** VTest marks what failed with four dashes; the end of the program follows from it, so it counts only alone. */
function firstComplaint(log) {
  const complaints = [...log.matchAll(/^---- +(\S+) +(.*)$/gm)].map(([, who, what]) => `${who}: ${what}`)
  return complaints.find((each) => !each.includes('Bad exit status')) ?? complaints[0]
}

/** VTest names only the kind of what is lacking; the command stands before, cut to 50 characters. */
function skippedFor(log) {
  const command = [...log.split('SKIPPING')[0].matchAll(/=== feature cmd "?(.*)/g)].at(-1)?.[1]
  return command?.replace(/^\S*HAPROXY_PROGRAM -cc '?/, '').replace(/'"$/, '') ?? 'skipped'
}
