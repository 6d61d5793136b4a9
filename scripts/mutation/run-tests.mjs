// What Stryker runs for each mutant, in the copy that scripts/mutation.mjs makes: ends with 0 when no test notices.
// Without a mutant it runs every test file in a process of its own, and writes down how long each took and which mutants
// it reaches (reach.json). With one it runs only those that reach it, the quickest first. A failure counts when the test
// fails again, and not without the mutant: one that was merely unlucky, on a machine with much to do, has noticed nothing.
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const { files } = JSON.parse(readFileSync('tests.json', 'utf8'))
const mutant = process.env.__STRYKER_ACTIVE_MUTANT__
const coverage = (file) => `.build/${file.replaceAll('/', '-')}.reach.json`

/** Runs one file, for at most `limit` milliseconds; answers undefined, or what was wrong, and in which test. */
function run(file, limit, options = [], env = process.env) {
  return new Promise((resolve) => {
    const args = [...options, '--test-reporter=./bail.mjs', `.build/${file.replace(/\.ts$/, '.js')}`]
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
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
      if (late) resolve({ late })
      else resolve(code === 0 ? undefined : { output, test: /^FAILED (.*)/m.exec(output)?.[1] })
    })
  })
}

async function measure() {
  writeFileSync('survived.txt', '')
  const reach = []
  for (const file of files) {
    rmSync(coverage(file), { force: true })
    const began = performance.now()
    const env = { ...process.env, REACH_FILE: coverage(file) }
    let wrong
    for (let tries = 0; tries < 3 && (tries === 0 || wrong !== undefined); tries++)
      wrong = await run(file, 120_000, ['--import=./reach.mjs'], env)
    if (wrong !== undefined) throw new Error(`without a mutant: ${file}: ${wrong.output}`)
    const mutants = existsSync(coverage(file)) ? JSON.parse(readFileSync(coverage(file), 'utf8')) : []
    reach.push({ file, time: Math.ceil(performance.now() - began), mutants })
  }
  reach.sort((a, b) => a.time - b.time)
  writeFileSync('reach.json', JSON.stringify(reach))
}

const exactly = (name) => `^${name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}$`

async function judge() {
  const { __STRYKER_ACTIVE_MUTANT__: _, ...without } = process.env
  const reach = JSON.parse(readFileSync('reach.json', 'utf8')).filter(({ mutants }) =>
    mutants.includes(mutant),
  )
  for (const { file, time } of reach) {
    // Generous: what is merely slow must not count as found.
    const limit = 15_000 + 4 * time
    let wrong = await run(file, limit)
    if (wrong === undefined) continue
    if (wrong.test !== undefined) {
      const alone = [`--test-name-pattern=${exactly(wrong.test)}`]
      wrong = await run(file, limit, alone)
      if (wrong === undefined || (await run(file, limit, alone, without)) !== undefined) continue
    }
    console.log(`${wrong.late ? 'timeout' : 'failed'}: ${file}: ${wrong.test ?? ''}`)
    process.exit(1)
  }
  // To look at while the others run: what Stryker made of the sources names mutants by these numbers.
  appendFileSync('survived.txt', `${mutant}\n`)
}

await (mutant === undefined ? measure() : judge())
