/**
 * Regular expressions as HAProxy has them, PCRE2 without UTF, turned into JavaScript's. They work on latin1 text.
 *
 * Case is resolved here, letter by letter, because JavaScript's flag `i` would also fold latin1 letters and knows no
 * parts. What JavaScript cannot express is refused: atomic groups, possessive quantifiers, recursion, conditions,
 * `\G`, `\K`, `\X`, `\p`, verbs, and back-references without regard to case. One difference is left: a back-reference
 * to a group that did not take part matches nothing in PCRE, the empty string here.
 */
import { Refusal } from './regex-text.ts'
import { RegexTranslator } from './regex-translator.ts'

/** How a pattern is compiled. */
export interface RegexOptions {
  /** As the ACL flag `-i`. @default false */
  readonly ignoreCase?: boolean
  /** The start of the text is not the start of a line: `^` does not match there. @default false */
  readonly notAtStart?: boolean
}

/** Compiles a PCRE pattern; a complaint, as a string, when it is wrong or cannot be expressed. */
export function compileRegex(pattern: string, options: RegexOptions = {}): RegExp | string {
  const { ignoreCase = false, notAtStart = false } = options
  try {
    return new RegExp(new RegexTranslator(pattern, ignoreCase, notAtStart).translate())
  } catch (error) {
    if (error instanceof Refusal) return `regular expression '${pattern}' ${error.message}`
    if (!(error instanceof SyntaxError)) throw error
    const reason = error.message.slice(error.message.lastIndexOf(':') + 1).trim()
    return `regular expression '${pattern}' is wrong: ${reason}`
  }
}

/**
 * Compiles a replacement (`exp_replace` in src/regex.c): `\0` to `\9` are groups, `\xHH` is a byte, and a backslash
 * before anything else gives that. A complaint, as a string, when it is wrong.
 */
export function compileReplacement(template: string): ((match: RegExpExecArray) => string) | string {
  const parts: (string | number)[] = []
  let literal = ''
  for (let at = 0; at < template.length; at++) {
    const char = template[at] ?? ''
    if (char !== '\\') {
      literal += char
      continue
    }
    const escape = /^(?:(\d)|x([0-9A-Fa-f]{2})|([^x]))/s.exec(template.slice(at + 1))
    if (escape === null)
      return `replacement '${template}' has a backslash that must be followed by a character`
    at += escape[0].length
    if (escape[1] !== undefined) {
      parts.push(literal, Number(escape[1]))
      literal = ''
    } else literal += escape[3] ?? String.fromCharCode(Number.parseInt(escape[2] ?? '', 16))
  }
  parts.push(literal)
  return (match) => {
    let out = ''
    for (const part of parts) out += typeof part === 'string' ? part : (match[part] ?? '')
    return out
  }
}
