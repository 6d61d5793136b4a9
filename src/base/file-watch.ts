/**
 * Notices that a file was changed, however an editor does it. `fs.watch` of a file follows the inode, and is blind once
 * another file was renamed over it, as most editors and `sed -i` do: the folder is watched instead.
 */
import { realpathSync, watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'

/** One change makes several events; the last one is waited for, in milliseconds. */
const settleTime = 100
/** Kubernetes changes the files of a volume by renaming this link, which their paths lead through. */
const volumeLink = '..data'

/**
 * Calls `onChange` after each change of the file at `path`, or of the file that it is a link to. A file that is away for
 * a moment is a change too. After `onError` changes may go unnoticed: the folder is not there, or the system watches no
 * more (inotify has limits for all processes of a user). It may be called before this returns.
 */
export function watchFile(
  path: string,
  onChange: () => void,
  onError: (error: Error) => void,
): { close(): void } {
  let timer: NodeJS.Timeout | undefined
  const settle = () => {
    clearTimeout(timer)
    timer = setTimeout(onChange, settleTime)
  }
  const watchers: FSWatcher[] = []
  const follow = (each: string) => {
    const names = [basename(each), volumeLink]
    const watcher = watch(dirname(each), (_, name) => {
      // Not every system names the file.
      if (name === null || names.includes(name)) settle()
    })
    watchers.push(watcher.on('error', onError))
  }
  try {
    for (const each of new Set([path, behindLinks(path)])) follow(each)
  } catch (error) {
    onError(error as Error) // of the system
  }
  return {
    close() {
      clearTimeout(timer)
      for (const watcher of watchers) watcher.close()
    },
  }
}

/** A file that is not there yet is waited for under its own name. */
function behindLinks(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
