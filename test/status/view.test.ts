/** The page as values and as text: numbers, choices, and what hostile names become. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { renderDocument } from '#src/status/document.js'
import { History } from '#src/status/history.js'
import * as format from '#src/status/view/format.js'
import { renderHtml } from '#src/status/view/html.js'
import type { PageState } from '#src/status/view/page-state.js'
import { defaultUi, formatUi, matches, parseUi } from '#src/status/view/ui.js'
import { h } from '#src/status/view/vnode.js'
import { row, snapshotOf, still } from './support.ts'

describe('numbers for people', () => {
  const rows: readonly (readonly [text: string, expected: string])[] = [
    [format.formatRate(0), '0'],
    [format.formatRate(0.04), '0.04'],
    [format.formatRate(0.5), '0.5'],
    [format.formatRate(9.94), '9.9'],
    [format.formatRate(9.96), '10'],
    [format.formatRate(1234), '1,234'],
    [format.formatRate(12_345), '12.3k'],
    [format.formatRate(928_034), '928k'],
    [format.formatRate(1_250_000), '1.3M'],
    [format.formatCount(1_234_567), '1,234,567'],
    [format.formatCount(999), '999'],
    [format.formatMs(undefined), '–'],
    [format.formatMs(0), '0'],
    [format.formatMs(0.0253), '0.025'],
    [format.formatMs(0.2), '0.2'],
    [format.formatMs(4.567), '4.57'],
    [format.formatMs(45.67), '45.7'],
    [format.formatMs(345.6), '346'],
    [format.formatMs(2500), '2,500'],
    [format.formatMs(25_000), '25k'],
    [format.formatDuration(4.9), '4 s'],
    [format.formatDuration(60), '1 min'],
    [format.formatDuration(7500), '2 h 5 min'],
    [format.formatDuration(360_000), '4 d 4 h'],
    [format.formatBytes(500), '500 B'],
    [format.formatBytes(50_439_782), '48.1 MB'],
    [format.formatBytes(1_288_490_189), '1.2 GB'],
    [format.formatPercent(0), '0 %'],
    [format.formatPercent(0.003), '0.3 %'],
    [format.formatPercent(0.42), '42 %'],
    [format.formatPercent(1), '100 %'],
  ]
  for (const [text, expected] of rows) it(expected, () => assert.equal(text, expected))
})

describe('choices', () => {
  it('go into the URL and come out of it', () => {
    const ui = {
      ...defaultUi,
      filter: 'a b&c',
      trouble: true,
      sort: 'name',
      minutes: 10 as const,
      row: 'm/1?',
    }
    assert.deepEqual(parseUi(formatUi(ui)), ui)
    assert.equal(formatUi(defaultUi), '?')
    assert.deepEqual(parseUi(''), defaultUi)
  })

  it('that are nonsense are left out', () => {
    assert.deepEqual(parseUi('?sort=a%20b&minutes=7&x=1'), defaultUi)
    assert.equal(parseUi(`?q=${'x'.repeat(9999)}`).filter.length, 200)
  })

  it('a filter looks for a part, whatever its case', () => {
    const ui = { ...defaultUi, filter: ' Rep ' }
    assert.ok(matches(ui, 'get-ip-reputation'))
    assert.ok(matches(ui, 'x', 'REPLY'))
    assert.ok(!matches(ui, 'check'))
    assert.ok(matches(defaultUi, ''))
  })
})

it('text and attributes are escaped', () => {
  const node = h(
    'p',
    { title: `"'><img>` },
    '<script>',
    h('b', { hidden: true, x: undefined, y: false }, '&', 5),
  )
  assert.equal(
    renderHtml(node),
    '<p title="&quot;&#39;&gt;&lt;img&gt;">&lt;script&gt;<b hidden="">&amp;5</b></p>',
  )
})

describe('the document', () => {
  const hostile = `<img src=x onerror=alert(1)>"'&`
  const history = new History()
  const snapshot = {
    ...snapshotOf([row('get-ip-reputation', 40, { verdicts: { allow: 30 } }), row(hostile, 3)]),
    sources: [{ name: hostile, ok: false, fields: { detail: hostile, ageSeconds: 90, entries: 5 } }],
    checks: [{ name: 'store', ok: false, detail: hostile }],
    ready: false,
    errors: [{ code: 'ERR_AGENT_HANDLER', count: 2, words: hostile, haproxy: '0: …' }],
    connections: [{ engine: hostile, profile: 'HAProxy', peers: [hostile], connections: 1, inFlight: 0 }],
  }
  history.add(0, snapshotOf([]), 0)
  history.add(1000, snapshot, 0.1)
  const recent: PageState['recent'] = [
    {
      id: 1,
      time: snapshot.snapshot.time,
      row: hostile,
      status: 'ok',
      duration: 1,
      args: [{ name: hostile, value: hostile }],
      actions: [],
    },
  ]
  const document = (query: string) =>
    renderDocument({ state: history.stateOf(snapshot, { ...still, recent }), points: history.points }, query)

  it('has the numbers without JavaScript, and comes again by itself', () => {
    const text = document('')
    assert.match(text, /^<!doctype html>\n<html lang="en">/)
    assert.match(text, /get-ip-reputation<\/a>/)
    assert.match(text, /<noscript><meta http-equiv="refresh" content="5"><\/noscript>/)
    assert.match(text, /! not ready: store: /)
    assert.match(text, /1 min old/)
    assert.match(text, />43 since the start</)
  })

  it('has no markup that came from outside, and nothing inline', () => {
    const text = document(`?q=${encodeURIComponent('"><script>alert(1)</script>')}`) + document('?row=<b>')
    assert.doesNotMatch(text, /<img|<script>|<b>\d*<\/b><img|onerror=alert\(1\)>[^&]/)
    assert.doesNotMatch(text, / style=| on\w+="/)
    for (const [, attributes = ''] of text.matchAll(/<script([^>]*)>/g))
      assert.match(attributes, / src="assets\//)
  })

  it('shows what the query asks for', () => {
    assert.ok(!document('?q=nothing-like-it').includes('<tr'))
    const trouble = document('?trouble=')
    assert.doesNotMatch(trouble, /get-ip-reputation<\/a>/)
    const sorted = document('?sort=-received')
    assert.match(sorted, /aria-sort="descending"[^>]*><a href="\?sort=received"/)
    assert.match(document('?row=get-ip-reputation'), /Rate and latency of message <b>get-ip-reputation<\/b>/)
  })
})
