/** `try-files`, of our own: files beside an application, as `try_files` of nginx. */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { isCondition } from './action-info.ts'
import type { ActionInfo } from './action-info.ts'

/** See the head of this file. */
export interface TryFilesAction {
  readonly type: 'try-files'
  /** The folder, relative to the working directory. */
  readonly root: Word
  /** Files that stand for their folder. */
  readonly index: readonly string[]
  /** What is tried, in order. */
  readonly entries: readonly string[]
}

const defaultIndex = ['index.php', 'index.html']
const defaultEntries = ['$uri', '$uri/', '/index.php']

/** A file name of the path, a script that takes all the rest, a status: what `tryFilesComplaint` of src/fcgi allows. */
const entryForm = /^(?:=[2-5]\d\d|\$uri[^?$]*|\/[^?$]*\.php(?:\?.*)?)$/

function readTryFiles(args: Args): TryFilesAction | undefined {
  let root: Word | undefined
  let index: readonly string[] = defaultIndex
  const entries: string[] = []
  for (let word = args.peek(); word !== undefined && !isCondition(word); word = args.peek()) {
    args.skip(1)
    if (word.text === 'root') {
      root = args.expect('<folder>')
      if (root === undefined) return undefined
    } else if (word.text === 'index') {
      const names = args.expect('<name>[,<name>...]')
      if (names === undefined) return undefined
      index = names.text.split(',').filter((name) => name !== '')
    } else if (entryForm.test(word.text)) entries.push(word.text)
    else {
      const message = `'${word.text}' is neither '$uri', '$uri/', '$uri.html', '/script.php' nor '=404'`
      return args.error('CFG_ARGUMENT', word.place, message)
    }
  }
  if (root === undefined) return args.error('CFG_ARGUMENT_MISSING', args.place, "expects 'root <folder>'")
  return { type: 'try-files', root, index, entries: entries.length === 0 ? defaultEntries : entries }
}

/** The only one. */
export const tryFilesActions: readonly ActionInfo<TryFilesAction>[] = [
  {
    name: 'try-files',
    ruleSets: ['http-request'],
    syntax:
      'root <folder> [index <name>[,<name>...]] [$uri | $uri/ | $uri<suffix> | <script> | =<status>]...',
    doc: 'answer with a file of the folder, or set txn.script_name and txn.path_info for the application (docs/fcgi.md)',
    since: 'sluice',
    read: readTryFiles,
  },
]
