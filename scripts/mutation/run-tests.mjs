// What Stryker runs for each mutant, in the copy that scripts/mutation.mjs makes: ends with 0 when no test notices.
// Without a mutant it runs every test file in a process of its own, and writes down how long each took and which mutants
// it reaches (reach.json). With one it runs only those that reach it, the quickest first. A failure counts when the test
// fails again, and not without the mutant: one that was merely unlucky, on a machine with much to do, has noticed nothing.
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const { files } = JSON.parse(readFileSync('tests.json', 'utf8'))
const mutant = process.env.__STRYKER_ACTIVE_MUTANT__
const coverage = (file) => `.build/${file.replaceAll('/', '-')}.reach.json`

/** A test that fails ends without having ended what it has started. */
function endGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing is left of it.
  }
}

/** Runs one file, for at most `limit` milliseconds; answers undefined, or what was wrong, and in which test. */
function run(file, limit, options = [], env = process.env) {
  return new Promise((resolve) => {
    const args = [...options, '--test-reporter=./bail.mjs', `.build/${file.replace(/\.ts$/, '.js')}`]
    const child = spawn(process.execPath, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let late = false
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text))
    const timer = setTimeout(() => {
      late = true
      endGroup(child)
    }, limit)
    child.once('exit', (code) => {
      clearTimeout(timer)
      endGroup(child)
      if (late) resolve({ late })
      else resolve(code === 0 ? undefined : { output, test: /^FAILED (.*)/m.exec(output)?.[1] })
    })
  })
}

/** Runs a file without a mutant; one that fails three times is shown to none. */
async function reachOf(file) {
  const env = { ...process.env, REACH_FILE: coverage(file) }
  let wrong
  for (let tries = 0; tries < 3; tries++) {
    rmSync(coverage(file), { force: true })
    const began = performance.now()
    wrong = await run(file, 120_000, ['--import=./reach.mjs'], env)
    const time = Math.ceil(performance.now() - began)
    const mutants = existsSync(coverage(file)) ? JSON.parse(readFileSync(coverage(file), 'utf8')) : []
    if (wrong === undefined) return { file, time, mutants }
  }
  console.error(`left out, it fails without a mutant: ${file}: ${wrong.output}`)
  return { file, time: 0, mutants: [] }
}

async function measure() {
  writeFileSync('survived.txt', '')
  const left = [...files]
  const reach = []
  const work = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) reach.push(await reachOf(file))
  }
  await Promise.all([work(), work()])
  reach.sort((a, b) => a.time - b.time)
  writeFileSync('reach.json', JSON.stringify(reach))
}

const exactly = (name) => `^${name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}$`

/** Whether a file notices the mutant; a test that fails by chance costs it one of three tries. */
async function notices(file, limit) {
  const { __STRYKER_ACTIVE_MUTANT__: _, ...without } = process.env
  for (let tries = 0; tries < 3; tries++) {
    const wrong = await run(file, limit)
    if (wrong === undefined) return undefined
    if (wrong.test === undefined) return wrong
    const alone = [`--test-name-pattern=${exactly(wrong.test)}`]
    const again = await run(file, limit, alone)
    if (again !== undefined && (await run(file, limit, alone, without)) === undefined) return wrong
  }
  return undefined
}

async function judge() {
  const reach = JSON.parse(readFileSync('reach.json', 'utf8')).filter(({ mutants }) =>
    mutants.includes(mutant),
  )
  for (const { file, time } of reach) {
    // Generous: what is merely slow must not count as found.
    const wrong = await notices(file, 15_000 + 4 * time)
    if (wrong === undefined) continue
    console.log(`${wrong.late ? 'timeout' : 'failed'}: ${file}: ${wrong.test ?? ''}`)
    process.exit(1)
  }
  // To look at while the others run: what Stryker made of the sources names mutants by these numbers.
  appendFileSync('survived.txt', `${mutant}\n`)
}

await (mutant === undefined ? measure() : judge())
