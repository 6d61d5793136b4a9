/** `acl` lines (configuration.txt 7.1); the criterion is compiled by `sample/`. */
import { forbiddenCharacter } from './args.ts'
import type { Args } from './args.ts'
import type { AclDeclaration } from './model.ts'

/** Reads an `acl` line; undefined when it is wrong, which was reported. */
export function readAcl(args: Args): AclDeclaration | undefined {
  const name = args.expect('<name> and <criterion>')
  if (name === undefined) return undefined
  const bad = forbiddenCharacter(name.text)
  if (bad !== undefined) {
    return args.error('CFG_ARGUMENT', name.place, `'${bad}' cannot be part of the name '${name.text}'`)
  }
  if (name.text.toLowerCase() === 'or') {
    return args.error(
      'CFG_ARGUMENT',
      name.place,
      "'or' means 'or' in conditions: it cannot be the name of an acl",
    )
  }
  if (args.peek() === undefined) return args.expect('<criterion>') && undefined
  return { place: args.place, name: name.text, words: args.rest() }
}
