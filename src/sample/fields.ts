/** Fields and words of a text, as the converters of these names count them (configuration.txt 7.3.1). */

/**
 * The n-th field (from the end when negative), and `count` fields together; below 1 for all that follow. Undefined when
 * there are not so many.
 */
export function field(text: string, index: number, separators: string, count: number): string | undefined {
  const cuts = separatorPositions(text, separators)
  const fields = cuts.length + 1
  const number = Math.abs(index) - 1
  if (number >= fields) return undefined
  const reach = count < 1 ? fields : count
  if (index > 0) {
    const last = number + reach - 1
    return text.slice(
      number === 0 ? 0 : (cuts[number - 1] ?? 0) + 1,
      last >= cuts.length ? text.length : cuts[last],
    )
  }
  const end = number === 0 ? text.length : (cuts[cuts.length - number] ?? 0)
  const first = cuts.length - number - reach
  return text.slice(first < 0 ? 0 : (cuts[first] ?? 0) + 1, end)
}

function separatorPositions(text: string, separators: string): number[] {
  const positions: number[] = []
  for (let at = 0; at < text.length; at++) if (separators.includes(text[at] ?? '')) positions.push(at)
  return positions
}

/**
 * As {@link field} for runs of other characters than separators; between two of several words the text stays as it
 * is. Empty when there are not so many.
 */
export function word(text: string, index: number, separators: string, count: number): string {
  const words = wordSpans(text, separators)
  const number = Math.abs(index) - 1
  if (number >= words.length) return ''
  const reach = count < 1 ? words.length : count
  const near = index > 0 ? number : words.length - 1 - number
  const far = index > 0 ? near + reach - 1 : near - reach + 1
  // With all that follow, or more words than there are, the separators at the end belong to it.
  const whole = count < 1 || far < 0 || far >= words.length
  const first = index > 0 ? words[near]?.from : whole ? 0 : words[far]?.from
  const last = index > 0 ? (whole ? text.length : words[far]?.to) : words[near]?.to
  return text.slice(first, last)
}

function wordSpans(text: string, separators: string): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = []
  for (let at = 0; at < text.length;) {
    if (separators.includes(text[at] ?? '')) {
      at++
      continue
    }
    const from = at
    while (at < text.length && !separators.includes(text[at] ?? '')) at++
    spans.push({ from, to: at })
  }
  return spans
}
