/** What a line of the config can hold: scalars, lists and maps. */
export type Flow = string | number | boolean | readonly Flow[] | { readonly [key: string]: Flow }

/** YAML in one line, `{ path: /etc/app.env, key: TOKEN }`: as little quoting as possible, and never a value misread. */
export function flow(value: Flow): string {
  if (typeof value === 'string') return scalar(value)
  if (typeof value !== 'object') return String(value)
  if (isList(value)) return `[${value.map(flow).join(', ')}]`
  const entries = Object.entries(value).map(([key, inner]) => `${scalar(key)}: ${flow(inner)}`)
  return `{ ${entries.join(', ')} }`
}

function isList(value: object): value is readonly Flow[] {
  return Array.isArray(value)
}

/** Double quotes unless no parser, of YAML 1.1 either, takes it for anything but this text. */
function scalar(text: string): string {
  const plain = /^(?:[A-Za-z_/][\w./@+-]*(?::[\w./@+-]+)*|[1-9]\d*[smhdw])$/.test(text)
  const word = /^(?:true|false|null|yes|no|on|off|y|n|_+)$/i.test(text)
  return plain && !word
    ? text
    : JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
