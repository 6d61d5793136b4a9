/** Branches of HAProxy, as the command line names them: `2.6`, `3.1`. */

/** `2.6` is 206, so that branches compare as numbers. */
export type HaproxyBranch = number

/** The branch whose keywords the registry holds, and that sluice follows. */
export const registryBranch: HaproxyBranch = 206

/** From here on SPOP is a multiplexer of HAProxy, and keywords of its predecessor are read and not obeyed. */
export const muxBranch: HaproxyBranch = 301

/** The first branch with SPOE as it is now, and the last one known when this was written. */
const known = { first: 108, last: 305 }

/** `2.6`, `2.6.12` and `3.5-dev3` name branches; undefined for what is no branch with SPOE 2.0. */
export function parseBranch(text: string): HaproxyBranch | undefined {
  const match = /^(\d)\.(\d)(?:[.-].*)?$/.exec(text)
  if (match === null) return undefined
  const branch = Number(match[1]) * 100 + Number(match[2])
  return branch < known.first || branch > known.last ? undefined : branch
}

/** `2.6` for 206. */
export function formatBranch(branch: HaproxyBranch): string {
  return `${Math.floor(branch / 100)}.${branch % 100}`
}
