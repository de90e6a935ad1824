/** Text that is HTML already. Only {@link html} makes it, so that nothing else gets into a page unescaped. */
export class Html {
  readonly #text: string

  constructor(parts: readonly string[], values: readonly Value[]) {
    this.#text = parts.map((part, index) => part + render(values[index])).join('')
  }

  toString(): string {
    return this.#text
  }
}

/** What may stand in a template: nothing of `undefined` and `false`, everything else as text, HTML as it is. */
type Value = Html | string | number | false | undefined | readonly Value[]

/** HTML; whatever is put in is escaped, for text and for attributes in double quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts, values)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function render(value: Value): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object') return value.map(render).join('')
  return String(value).replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
