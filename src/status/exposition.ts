/** Prometheus text (exposition format 0.0.4), line by line. */

/** Collects the text. */
export class Exposition {
  text = ''

  /** Begins a family: its samples come next. */
  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): this {
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
    return this
  }

  sample(name: string, value: number, labels: Readonly<Record<string, string>> = {}): this {
    const pairs = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`)
    this.text += `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${formatValue(value)}\n`
    return this
  }

  /** A family of one sample. */
  single(name: string, type: 'counter' | 'gauge', help: string, value: number): this {
    return this.family(name, type, help).sample(name, value)
  }
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}

/** JavaScript's `Infinity` is `+Inf` there. */
function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}
