// npm run regtests -- --vtest PATH --tests DIR: HAProxy's regression tests against `sluice run`, as a table.
//   --vtest PATH    the vtest program
//   --tests DIR     the reg-tests folder of a HAProxy source tree
//   --only WORD     only tests whose path has the word; may be repeated. Without it: the folders of regtests/find-tests.mjs
//   --haproxy       HAProxy from the PATH runs each of them, too
//   --json          one JSON object instead of the table
//   --jobs N        tests at once (default 1: they measure time)
// It ends with 1 when a test fails for anything but a thing that sluice does not have, and with 2 for wrong arguments.
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { findTests } from './regtests/find-tests.mjs'
import { formatReport } from './regtests/report.mjs'
import { runAll } from './regtests/run-tests.mjs'

function refuse(message) {
  console.error(`regtests: ${message}`)
  process.exit(2)
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        vtest: { type: 'string' },
        tests: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        haproxy: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        jobs: { type: 'string', default: '1' },
      },
    }).values
  } catch (error) {
    return refuse(error.message)
  }
}

const { vtest, tests, only, haproxy, json, jobs } = readArguments()
if (vtest === undefined || tests === undefined) refuse('--vtest PATH and --tests DIR are needed')
for (const path of [vtest, tests]) if (!existsSync(path)) refuse(`${path} does not exist`)
if (!/^[1-9]\d?$/.test(jobs)) refuse(`--jobs is a number from 1 to 99, not '${jobs}'`)
if (!existsSync('dist/cli/main.js')) refuse('dist is not built: npm run build')
const files = findTests(tests, only)
if (files.length === 0) refuse(`no test of ${tests} has ${only.join(' or ')} in its path`)

const results = await runAll(files, {
  vtest,
  tests,
  programs: haproxy ? ['sluice', 'haproxy'] : ['sluice'],
  jobs: Number(jobs),
  onResult: ({ test, sluice }) => {
    if (!json && process.stderr.isTTY) console.error(`${sluice.verdict}  ${test}`)
  },
})
console.log(json ? JSON.stringify(results, undefined, 2) : formatReport(results))
process.exitCode = results.some(
  ({ sluice, haproxy }) => sluice.verdict === 'fail' && haproxy?.verdict !== 'fail',
)
  ? 1
  : 0
