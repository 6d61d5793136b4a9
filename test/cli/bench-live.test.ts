/** What is seen while a load runs, as a terminal gets it, and as a file does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LiveView, progressBar, sparkline } from '#src/cli/bench-live.js'
import { Meter } from '#src/load/meter.js'
import { intervalOf } from '../load/result.ts'

/** Takes what is written; a terminal of 60 columns when `isTTY`. */
function output(isTTY: boolean) {
  const state = { text: '', isTTY, columns: 60, write: (text: string) => void (state.text += text) }
  return state
}

const times = { warmup: 1000, duration: 2000 }

test('a sparkline is as high as its values are of the largest, and a bar as long as its share', () => {
  assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8]), '▁▂▃▄▅▆▇██')
  assert.equal(sparkline([0, 0]), '▁▁')
  assert.equal(sparkline([]), '')
  assert.equal(progressBar(0.5, 4), '[==  ]')
  assert.equal(progressBar(7, 4), '[====]')
  assert.equal(progressBar(-1, 4), '[    ]')
})

test('on a terminal four lines are drawn over themselves, and taken away at the end', () => {
  const out = output(true)
  const view = new LiveView(out, times)
  const meter = new Meter(false)
  view.show({ ...intervalOf(500, 1), at: 500 }, meter, 'warm-up')
  assert.match(
    out.text,
    /^warm-up \[=+ +\] 0\.5 of 1\.0 s {3}no errors\n5,000\/s {3}p50 0\.250 .*\nrate █\np99 {2}█\n$/,
  )
  assert.ok(out.text.split('\n').every((line) => line.length < 60))
  out.text = ''
  // What the warm-up was like is forgotten.
  view.show({ ...intervalOf(100, 4), at: 100 }, meter, 'measure')
  view.show({ ...intervalOf(200, 1), at: 200 }, meter, 'measure')
  const [first = '', second = ''] = out.text.split('\u001b[4A\u001b[J').slice(1)
  assert.match(first, /^measure .*0\.1 of 2\.0 s/)
  assert.match(second, /\nrate ▅█\np99 {2}█▃\n$/)
  out.text = ''
  view.clear()
  view.clear()
  assert.equal(out.text, '\u001b[4A\u001b[J')
})

test('elsewhere an interval is a line, four in a second at most, and nothing is moved', () => {
  const out = output(false)
  const view = new LiveView(out, times)
  const meter = new Meter(false)
  for (let at = 100; at <= 1000; at += 100) {
    view.show({ ...intervalOf(100, 2), at, errors: at === 1000 ? 3 : 0 }, meter, 'measure')
  }
  view.clear()
  const lines = out.text.trimEnd().split('\n')
  assert.equal(lines.length, 3)
  assert.match(lines[0] ?? '', /^ +0\.3 s {2}1,000\/s {2}p50 0\.500 {2}p99 2\.000 {2}max 2\.000 ms$/)
  assert.ok(!out.text.includes('\u001b'))
})
