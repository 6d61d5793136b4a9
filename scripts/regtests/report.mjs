// The table for people.

/** Longest reason that is shown whole. */
const longest = 100

/** One line a test, and a line that counts. */
export function formatReport(results) {
  const width = Math.max(...results.map(({ test }) => test.length))
  const lines = results.map(({ test, sluice, haproxy }) => {
    const columns = [test.padEnd(width), sluice.verdict.padEnd(7)]
    if (haproxy !== undefined) columns.push(haproxy.verdict.padEnd(7))
    return [...columns, cut(sluice.reason)].join('  ').trimEnd()
  })
  const head = [
    'test'.padEnd(width),
    'sluice ',
    ...(results[0].haproxy === undefined ? [] : ['haproxy']),
    'first thing missing or different',
  ]
  return [
    head.join('  '),
    ...lines,
    '',
    ...['sluice', 'haproxy'].flatMap((name) => count(results, name)),
  ].join('\n')
}

function count(results, program) {
  const verdicts = results.flatMap((each) => each[program]?.verdict ?? [])
  if (verdicts.length === 0) return []
  const parts = ['pass', 'missing', 'differs', 'fail', 'skip'].map(
    (verdict) => `${verdicts.filter((each) => each === verdict).length} ${verdict}`,
  )
  return [`${program}: ${verdicts.length} tests, ${parts.join(', ')}`]
}

function cut(text) {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}
