/** Regular expressions that PCRE takes and JavaScript does not. */

const pcreOnly = /\(\?(?:>|R|\d|\(|&|P[<=>]|\||#|[a-zA-Z-]+[:)])|[*+?}]\+|\(\*|\\[GKXRNHhpPAzZQEg]|\[\[:/

/** What stands for such a construct, so that the rest can be compiled. */
const replacements: readonly (readonly [RegExp, string])[] = [
  [/\(\?#[^)]*\)|\(\?[a-zA-Z-]+\)|\(\*[^)]*\)/g, ''],
  [/\(\?(?:R|\d+|&\w+|P[>=]\w+)\)/g, '(?:)'],
  [/\(\?(?:>|\||\([^)]*\)|[a-zA-Z-]+:)/g, '(?:'],
  [/\(\?P</g, '(?<'],
  [/([*+?}])\+/g, '$1'],
  [/\[:\^?\w+:\]/g, 'a'],
]

/** Whether `pattern` is right for PCRE and only for PCRE, as far as can be known without it. */
export function isPcreOnly(pattern: string): boolean {
  if (!pcreOnly.test(pattern)) return false
  const rest = replacements.reduce((text, [from, to]) => text.replace(from, to), pattern)
  try {
    return new RegExp(rest) instanceof RegExp
  } catch {
    return false
  }
}
