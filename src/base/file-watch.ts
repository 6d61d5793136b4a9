/**
 * Notices that a file was changed, however an editor does it. `fs.watch` of a file follows the inode, and is blind once
 * another file was renamed over it, as most editors and `sed -i` do: the folder is watched instead.
 */
import { realpathSync, unwatchFile, watch, watchFile as lookAt, type FSWatcher, type Stats } from 'node:fs'
import { basename, dirname } from 'node:path'

/** One change makes several events; the last one is waited for, in milliseconds. */
const settleTime = 100
/** Kubernetes changes the files of a volume by renaming this link, which their paths lead through. */
const volumeLink = '..data'

/**
 * Calls `onChange` after each change of the file at `path`, or of the file that it is a link to. A file that is away for
 * a moment is a change too. Where the system watches nothing (the folder is not there yet, inotify has limits for all processes of a
 * user) it is looked at every `interval` milliseconds. After `onError` changes may go unnoticed.
 */
export function watchFile(
  path: string,
  onChange: () => void,
  onError: (error: Error) => void,
  interval = 5000,
): { close(): void } {
  let timer: NodeJS.Timeout | undefined
  const settle = () => {
    clearTimeout(timer)
    timer = setTimeout(onChange, settleTime)
  }
  // Of a file that is not there it is told once, and nothing has changed.
  const compare = (now: Stats, before: Stats) => {
    if (now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino) settle()
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
  } catch {
    lookAt(path, { interval, persistent: false }, compare)
  }
  return {
    close() {
      clearTimeout(timer)
      unwatchFile(path, compare)
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
