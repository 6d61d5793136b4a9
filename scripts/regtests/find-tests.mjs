// Which files of a reg-tests folder are run.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** The folders about what sluice is for: TCP, HTTP/1.1, SPOE, checks, logs. */
export const folders = [
  'balance',
  'checks',
  'connection',
  'converter',
  'http-capture',
  'http-cookies',
  'http-errorfiles',
  'http-messaging',
  'http-rules',
  'log',
  'sample_fetches',
  'server',
  'spoe',
  'stream',
  'tcp-rules',
  'webstats',
]

/** Paths relative to `tests`, in order: those with one of the `words`, or those of {@link folders}. */
export function findTests(tests, words) {
  return readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.vtc'))
    .map((path) => relative(tests, join(tests, path)))
    .filter((path) =>
      words.length === 0 ? folders.includes(path.split('/')[0]) : words.some((word) => path.includes(word)),
    )
    .filter((path) => canRun(readFileSync(join(tests, path), 'utf8')))
    .sort()
}

/** The language is that of 2.6: what stands in a file for older ones is not for it. */
const version = [2, 6]

function canRun(text) {
  const below = /^#REQUIRE_VERSION_BELOW=(\d+)\.(\d+)/m.exec(text)
  return below === null || compare([Number(below[1]), Number(below[2])], version) > 0
}

function compare([a, b], [c, d]) {
  return a - c || b - d
}
