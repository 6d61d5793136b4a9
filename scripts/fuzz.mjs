// npm run fuzz: frames or records from a grammar, most of them right, some changed, against what reads them. It fails on any
// exception that is not an error of the peer, and on memory that grows. The same seed gives the same frames.
//   --frames N    how many frames or records (default 10 million)
//   --seconds S   stop after so long (default: no limit)
//   --seed X      (default: the time)
//   --target NAME what to feed: codec, agent; fcgi-client, fcgi-responder (default: codec)
//   --json        one line of JSON
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import v8 from 'node:v8'
import vm from 'node:vm'
import { createFrameGrammar } from './fuzz/frames.mjs'
import { createRandom } from './fuzz/random.mjs'

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    target: { type: 'string', default: 'codec' },
    json: { type: 'boolean', default: false },
  },
})

/**
 * A target is a module of this folder with `createTarget(random, values, grammar)`: an object with `run(bytes)`, `report()` and
 * `close()`; the first and the last may return promises. It may have a `createGrammar(random)` whose `next()` gives the bytes.
 */
const targets = readdirSync(new URL('fuzz/', import.meta.url))
  .map((file) => file.replace('.mjs', ''))
  .filter((name) => !['frames', 'random', 'records'].includes(name))

/** Growth over this is a leak: what stays must not depend on how many frames there were. */
const maxGrowth = 8 * 1024 * 1024
/** Compilers and pools are still busy in shorter runs: their growth says nothing. */
const leastForGrowth = 100_000

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')
const memory = () => {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function main() {
  const frames = Number(values.frames)
  const seed = Number(values.seed)
  const limit = Number(values.seconds) * 1000 || Infinity
  if (!Number.isSafeInteger(frames) || !Number.isSafeInteger(seed) || Number.isNaN(limit)) {
    throw new Error('--frames, --seconds and --seed are numbers')
  }
  if (!targets.includes(values.target)) throw new Error(`--target is one of ${targets.join(', ')}`)
  const { createTarget, createGrammar = createFrameGrammar } = await import(`./fuzz/${values.target}.mjs`)
  const random = createRandom(seed)
  const grammar = createGrammar(random)
  const target = await createTarget(random, values, grammar)
  const warm = Math.min(200_000, Math.ceil(frames / 4))
  let before = 0
  let rssBefore = 0
  let done = 0
  let bytes = Buffer.alloc(0)
  const start = performance.now()
  try {
    for (; done < frames; done++) {
      bytes = grammar.next()
      const answer = target.run(bytes)
      if (answer instanceof Promise) await answer
      if (done + 1 === warm) {
        before = memory()
        rssBefore = process.memoryUsage.rss()
      }
      if (done % 4096 === 0 && performance.now() - start > limit) break
    }
  } catch (error) {
    console.error(`frame ${done} of seed ${seed}: ${bytes.toString('hex')}`)
    throw error
  }
  const seconds = (performance.now() - start) / 1000
  const growth = before === 0 ? 0 : memory() - before
  const rssGrowth = before === 0 ? 0 : process.memoryUsage.rss() - rssBefore
  await target.close()
  print({ target: values.target, seed, frames: done, seconds, growth, rssGrowth, ...target.report() })
  if (done >= leastForGrowth && growth > maxGrowth) throw new Error(`memory grew by ${growth} bytes: a leak`)
}

const kilobytes = (bytes) => `${(bytes / 1024).toFixed(0)} KB`

function print(result) {
  if (values.json) return console.log(JSON.stringify(result))
  const { target, seed, frames, seconds, growth, rssGrowth, accepted, codes } = result
  console.log(
    `${target}: ${frames} frames in ${seconds.toFixed(1)} s (${Math.round(frames / seconds)}/s), seed ${seed}`,
  )
  console.log(
    `accepted: ${accepted}; growth of memory: ${kilobytes(growth)}, of RSS: ${kilobytes(rssGrowth)}`,
  )
  for (const [code, count] of Object.entries(codes)) console.log(`  ${code}: ${count}`)
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error)
  process.exit(1)
}
