// Runs VTest, once for each test and program.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readVerdict } from './verdict.mjs'

/** Seconds that one test may take: what HAProxy's own script allows. */
const longest = 10

/**
 * Resolves to `{ test, sluice, haproxy? }` for each of them, in their order. The tests measure time, and other programs
 * take it: one that fails is run once more when nothing else is, and then it counts.
 */
export async function runAll(files, { vtest, tests, programs, jobs, onResult }) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-regtests-'))
  try {
    const paths = { sluice: writeSluice(folder), haproxy: 'haproxy' }
    const results = files.map((test) => ({ test }))
    const run = async (result, program) => {
      result[program] = await runOne(result.test, { tests, vtest, program: paths[program], folder })
    }
    const waiting = results.values()
    const work = async () => {
      for (const result of waiting) {
        for (const program of programs) await run(result, program)
        onResult(result)
      }
    }
    await Promise.all(Array.from({ length: jobs }, work))
    for (const result of results) {
      for (const program of programs) if (result[program].verdict === 'fail') await run(result, program)
    }
    return results
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** VTest starts one word: this file is `sluice run`, with whatever VTest adds. */
function writeSluice(folder) {
  const path = join(folder, 'sluice')
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`
  const command = [process.execPath, resolve('dist/cli/main.js'), 'run'].map(quote).join(' ')
  writeFileSync(path, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 })
  return path
}

function runOne(test, { tests, vtest, program, folder }) {
  // The buffer holds the whole log of a test that prints a lot.
  const args = ['-b', '8388608', '-t', String(longest), '-v', join(tests, test)]
  const env = { ...process.env, HAPROXY_PROGRAM: program, HAPROXY_ARGS: '', TMPDIR: folder }
  const child = spawn(vtest, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('latin1').on('data', (text) => (log += text))
  }
  const started = performance.now()
  return new Promise((settle, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      const seconds = Math.round((performance.now() - started) / 100) / 10
      settle({ ...readVerdict(test, code, log, program !== 'haproxy'), seconds })
    })
  })
}
