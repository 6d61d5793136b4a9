/** `sluice inspect explain CODE`: status codes in words. */
import { UsageError } from '../base/errors.ts'
import { explainCode, explainedCodes, formatExplanation } from '../inspect/explain.ts'
import { print } from './output.ts'

/** `259`, `256+3`; as numbers. */
function parseCode(text: string): number {
  const match = /^(\d{1,10})(?:\+(\d{1,10}))?$/.exec(text)
  if (match === null)
    throw new UsageError('ERR_SLUICE_OPTION', `'${text}' is no code: wanted a number, as 259 or 256+3`)
  return Number(match[1]) + Number(match[2] ?? 0)
}

/**
 * Explains codes; all of them when none is given. Answers the exit code.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function inspectExplainCommand(
  codes: readonly string[],
  { json }: { readonly json?: boolean },
): number {
  const wanted = codes.length === 0 ? explainedCodes : codes.map(parseCode)
  const explanations = wanted.map(explainCode)
  if (json === true) for (const each of explanations) print(JSON.stringify(each))
  else print(explanations.map((each) => formatExplanation(each).join('\n')).join('\n\n'))
  return 0
}
