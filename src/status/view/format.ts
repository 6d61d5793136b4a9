/** Numbers for people. */

/** What stands where there is no number. */
export const none = '–'

/** `0`, `0.4`, `12`, `1,234`, `12.3k`, `1.2M`. */
export function formatRate(value: number): string {
  if (value >= 999_500) return `${trim((value / 1e6).toFixed(value >= 9.95e6 ? 0 : 1))}M`
  if (value >= 9999.5) return `${trim((value / 1000).toFixed(value >= 99_950 ? 0 : 1))}k`
  if (value >= 9.95) return formatCount(Math.round(value))
  return value === 0 ? '0' : trim(value.toFixed(value < 0.995 ? 2 : 1))
}

/** With a comma between thousands. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** Milliseconds with three digits, without the unit; seconds from 10,000 on. */
export function formatMs(value: number | undefined): string {
  if (value === undefined) return none
  if (value >= 9999.5) return `${trim((value / 1000).toFixed(1))}k`
  if (value >= 99.95) return formatCount(value)
  if (value >= 9.995) return trim(value.toFixed(1))
  return value === 0 ? '0' : trim(value.toFixed(value < 0.0995 ? 3 : 2))
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** `4 s`, `3 min`, `2 h 5 min`, `4 d 3 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `532 KB`, `48.1 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)} KB`
  if (bytes < 1024 ** 3) return `${trim((bytes / 1024 ** 2).toFixed(1))} MB`
  return `${trim((bytes / 1024 ** 3).toFixed(1))} GB`
}

/** `0 %`, `0.3 %`, `42 %`. */
export function formatPercent(part: number): string {
  const percent = part * 100
  return `${percent > 0 && percent < 9.95 ? trim(percent.toFixed(1)) : Math.round(percent)} %`
}

/** `14:03:27`, in the time zone of who looks; the server has UTC. */
export function formatTime(iso: string): string {
  const date = new Date(iso)
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((each) => String(each).padStart(2, '0'))
    .join(':')
}

/** The first letter as a capital. */
export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
