/** `acl` lines (configuration.txt 7.1); the criterion is compiled by `sample/`. */
import type { AclDeclaration } from '../model/index.ts'
import { forbiddenCharacter } from '../text/args.ts'
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'

/** An ACL of which only the name is known: who uses it is not told that there is none. */
export function brokenAcl(words: readonly Word[]): AclDeclaration | undefined {
  const [keyword, name] = words
  if (keyword?.text !== 'acl' || name === undefined || forbiddenCharacter(name.text) !== undefined)
    return undefined
  return { place: keyword.place, name: name.text, words: [] }
}

/** Reads an `acl` line; undefined when it has no name that can be used, which was reported. */
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
  if (args.peek() === undefined) args.expect('<criterion>')
  return { place: args.place, name: name.text, words: args.rest() }
}
