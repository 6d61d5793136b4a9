/** The nearest of several names, for hints about misspelt ones. */

/** The known name that differs from `name` by at most two edits (one for short names), or undefined. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = name.length < 5 ? 2 : 3
  for (const each of known) {
    if (Math.abs(each.length - name.length) >= least) continue
    const distance = editDistance(name, each)
    if (distance < least) {
      least = distance
      best = each
    }
  }
  return best
}

/** A hint that names the nearest name, if there is one near. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const found = nearest(name, known)
  return found === undefined ? undefined : `did you mean '${found}'?`
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
