/**
 * Health checks of HAProxy and of sluice: the same results, check by check, from a server that is opened and closed behind
 * each log line. Compared are all lines and the time between them, in steps of 200 ms: so `rise`, `fall` and the three
 * intervals are seen in every state.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cleanup } from '../proxy/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { oneByOne } from '../support/one-by-one.ts'
import { freePorts } from '../support/ports.ts'
import { startSluice } from '../support/sluice.ts'

const skip = skipWithoutHaproxy()

interface Story {
  readonly name: string
  /** Of the server line. */
  readonly check: string
  /** What each check finds, `P` for passed and `F` for failed: each of them brings a line. */
  readonly results: string
  /** More lines of the section. */
  readonly lines?: readonly string[]
  /** `backend` in place of `listen`. */
  readonly kind?: 'backend'
}

const logged = ['option log-health-checks']
const intervals = 'inter 800 fastinter 200 downinter 400'

const stories: readonly Story[] = [
  { name: 'rise 2, fall 3', check: `${intervals} rise 2 fall 3`, results: 'PFFFPFPPFPFFPFFF', lines: logged },
  { name: 'rise 3, fall 2', check: `${intervals} rise 3 fall 2`, results: 'PFFPFPPFPPPFPFF', lines: logged },
  { name: 'rise 1, fall 1', check: `${intervals} rise 1 fall 1`, results: 'FPFP', lines: logged },
  { name: 'rise 1, fall 3', check: `${intervals} rise 1 fall 3`, results: 'PFFFPFP', lines: logged },
  { name: 'rise 3, fall 1', check: `${intervals} rise 3 fall 1`, results: 'FPPFPPPFP', lines: logged },
  { name: 'down from the start', check: `${intervals} rise 2 fall 3`, results: 'FPPF', lines: logged },
  { name: 'inter alone', check: 'inter 400 rise 2 fall 2', results: 'PFFPPF', lines: logged },
  {
    name: 'fastinter alone',
    check: 'inter 600 fastinter 200 rise 2 fall 2',
    results: 'PFFPPF',
    lines: logged,
  },
  {
    name: 'downinter alone',
    check: 'inter 200 downinter 600 rise 2 fall 2',
    results: 'PFFPPF',
    lines: logged,
  },
  { name: 'the defaults of rise and fall', check: 'inter 200', results: 'PFFFPP', lines: logged },
  { name: 'a backup server', check: 'inter 200 rise 2 fall 2 backup', results: 'PFFPP', lines: logged },
  { name: 'a backend', check: 'inter 200 rise 2 fall 2', results: 'FPP', lines: logged, kind: 'backend' },
  // Only what goes up and down is logged, with the reason.
  { name: 'no log of checks', check: `${intervals} rise 1 fall 1`, results: 'FPFP' },
  { name: 'no log of checks, a backup server', check: 'inter 200 rise 1 fall 1 backup', results: 'FPF' },
]

/** Nobody connects from there, so that its port stays free while it is closed. */
const targetHost = '127.0.0.3'

/** Opens and closes a port. */
class Target {
  readonly port: number
  #server: Server | undefined

  constructor(port: number) {
    this.port = port
  }

  async open(): Promise<void> {
    if (this.#server !== undefined) return
    const server = createServer((socket) => void socket.on('error', () => {}).resume())
    this.#server = server
    server.listen(this.port, targetHost)
    await once(server, 'listening')
  }

  close(): void {
    this.#server?.close()
    this.#server = undefined
  }
}

interface Line {
  readonly text: string
  /** As the line itself says. */
  readonly at: number
}

/** Plays a story against one of them. */
async function play(t: Cleanup, which: 'haproxy' | 'sluice', story: Story): Promise<Line[]> {
  const [port = 0] = await freePorts(1)
  const target = new Target(port)
  t.after(() => target.close())
  const { check, results, lines: more = [], kind = 'listen' } = story
  const set = async (result: string | undefined) => (result === 'P' ? target.open() : target.close())
  await set(results[0])
  const options = {
    ports: ['f'] as const,
    config: ({ f }: { readonly f: number }) => `
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
listen other
  bind 127.0.0.1:${f}
${kind} checked
  log stdout format iso local0
${kind === 'listen' ? `  bind 127.0.0.2:${f}` : ''}
${more.map((line) => `  ${line}`).join('\n')}
  server s ${targetHost}:${port} check ${check}
`,
  }
  const started = which === 'haproxy' ? await startHaproxy(options) : await startSluice(options)
  t.after(() => started.stop())
  const wanted = more.length > 0 ? /^Health check/ : /^(?:Backup )?Server/
  let seen: Line[] = []
  const look = () => {
    seen = [...started.logs().matchAll(/^(\d{4}-\d\d-\d\dT\S+[+-]\d\d:\d\d) (.*checked.*)$/gm)].map(
      ([, date = '', text = '']) => ({
        text: text.replace(/check duration: \d+ms/, 'check duration: N'),
        at: Date.parse(date),
      }),
    )
    return seen.filter(({ text }) => wanted.test(text)).length
  }
  for (let at = 0; at < results.length; at++) {
    await set(results[at])
    for (let waited = 0; look() <= at; waited += 2) {
      // We were too late for a check, and the rest does not fit.
      if (waited > 3000) return [{ text: `no line for result ${at}`, at: 0 }, ...seen]
      await sleep(2)
    }
  }
  await sleep(30)
  look()
  return seen
}

/** What the first check brings has no time, nor what follows it: they begin before we look. */
function withGaps(lines: readonly Line[]): string[] {
  const first = lines.findIndex(({ at }) => at - (lines[0]?.at ?? at) > 50)
  return lines.map(({ text, at }, index) => {
    const gap = index <= first || first < 0 ? 0 : at - (lines[index - 1]?.at ?? at)
    return `+${Math.floor((gap + 50) / 200) * 200} ${text}`
  })
}

describe('health checks', { skip, concurrency: 4 }, () => {
  const calmly = oneByOne()
  for (const story of stories) {
    it(`${story.name}: ${story.results}`, async (t) => {
      const once = async (): Promise<[expected: string[], actual: string[]]> => {
        const both = await Promise.all([play(t, 'haproxy', story), play(t, 'sluice', story)])
        return both.map(withGaps) as [string[], string[]] // two of them
      }
      let [expected, actual] = await once()
      const isLate = (): boolean => expected.join('\n') !== actual.join('\n')
      // A busy machine may be late: again one by one.
      if (isLate()) {
        await calmly(async () => {
          for (let attempt = 0; attempt < 4 && isLate(); attempt++) [expected, actual] = await once()
        })
      }
      assert.deepEqual(actual, expected)
    })
  }
})
