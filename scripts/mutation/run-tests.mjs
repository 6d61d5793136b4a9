// What Stryker runs for each mutant, in the copy that scripts/mutation.mjs makes: ends with 0 when no test notices.
// Without a mutant it runs every test file in a process of its own, and writes down how long each took and which mutants
// it reaches (reach.json). With one it runs only those that reach it, the quickest first, three at a time. A failure
// counts when the file fails a second time: a test that was merely unlucky has noticed nothing.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const { files } = JSON.parse(readFileSync('tests.json', 'utf8'))
const mutant = process.env.__STRYKER_ACTIVE_MUTANT__
const coverage = (file) => `.build/${file.replaceAll('/', '-')}.reach.json`
const running = new Set()

/** Runs one file, for at most `limit` milliseconds; answers undefined, or what was wrong. */
function run(file, limit, options = []) {
  return new Promise((resolve) => {
    const args = [
      ...options,
      '--enable-source-maps',
      '--test-reporter=./bail.mjs',
      `.build/${file.replace(/\.ts$/, '.js')}`,
    ]
    const env = { ...process.env, REACH_FILE: coverage(file) }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    let output = ''
    let late = false
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text))
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, limit)
    child.once('close', (code) => {
      clearTimeout(timer)
      running.delete(child)
      if (late) resolve(`timeout: ${file}`)
      else resolve(code === 0 ? undefined : `${file}: ${output.slice(0, 1000)}`)
    })
  })
}

function stopOthers() {
  for (const child of running) child.kill('SIGKILL')
}

async function measure() {
  const reach = []
  for (const file of files) {
    rmSync(coverage(file), { force: true })
    const began = performance.now()
    const wrong = await run(file, 120_000, ['--import=./reach.mjs'])
    if (wrong !== undefined) throw new Error(`without a mutant: ${wrong}`)
    const mutants = existsSync(coverage(file)) ? JSON.parse(readFileSync(coverage(file), 'utf8')) : []
    reach.push({ file, time: Math.ceil(performance.now() - began), mutants })
  }
  reach.sort((a, b) => a.time - b.time)
  writeFileSync('reach.json', JSON.stringify(reach))
}

async function judge() {
  const reach = JSON.parse(readFileSync('reach.json', 'utf8')).filter(({ mutants }) =>
    mutants.includes(mutant),
  )
  let at = 0
  const work = async () => {
    while (at < reach.length) {
      const { file, time } = reach[at++]
      // Generous, because the machine is shared: what is merely slow must not count as found.
      const limit = 15_000 + 4 * time
      let wrong = await run(file, limit)
      if (wrong !== undefined && !wrong.startsWith('timeout')) wrong = await run(file, limit)
      if (wrong === undefined) continue
      console.log(wrong)
      stopOthers()
      process.exit(1)
    }
  }
  await Promise.all([work(), work(), work()])
}

await (mutant === undefined ? measure() : judge())
